// Refused tokens by the stopwatch: no two kinds can be told apart, though a difference put in on purpose is seen.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holm, ksProbability, quantile } from '../../tools/statistics.ts';
import { IdentityProvider } from '../fixtures/identity-provider.ts';
import { TimedConnection } from '../fixtures/raw-http.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

/** Refusals timed of each kind. */
const SAMPLES = scaled(150, 2_000);
const WARM_UP = scaled(20, 200);
const SIGNIFICANCE = 0.001;
/** Bytes of every request's headers: a longer request takes longer to arrive, which is no secret. */
const HEADER_BYTES = 18_000;

let provider: IdentityProvider;
let weir: Weir;

beforeAll(async () => {
  provider = await IdentityProvider.start();
  const sources = { TOKEN_SOURCES: 'header:Authorization, cookie:session, query:token' };
  const claims = { REQUIRED_CLAIMS: { client_id: 'ours' } };
  const vars = { ...provider.vars, ...sources, ...claims, ORIGIN_URL: 'http://127.0.0.1:1' };
  weir = await startWeir({ vars });
});
afterAll(async () => {
  await Promise.all([weir.close(), provider.stop()]);
});

const forged = async (): Promise<string> => {
  const [header, payload] = (await provider.sign(provider.goodClaims(), {}, 'ES256')).split('.');
  return `${header}.${payload}.${randomBytes(64).toString('base64url')}`;
};

/** Each makes a token that Weir has not seen. */
const kinds: Record<string, () => Promise<string | undefined>> = {
  'no token': async () => undefined,
  malformed: async () =>
    `${randomBytes(200).toString('base64url')}.${randomBytes(200).toString('base64url')}`,
  'too long': async () => `${randomBytes(12_600).toString('base64url')}.e.e`,
  'unknown kid': () => provider.sign(provider.goodClaims(), { kid: crypto.randomUUID() }, 'ES256'),
  'bad signature': forged,
  expired: () => provider.sign({ ...provider.goodClaims(), exp: 1_000_000 }, {}, 'ES256'),
  "another client's": () => provider.sign({ ...provider.goodClaims(), client_id: 'theirs' }, {}, 'ES256'),
};
const KINDS = Object.keys(kinds).length;
const PAIRS = (KINDS * (KINDS - 1)) / 2;

/** Busy for so many milliseconds, in the measured time: the difference put in on purpose. */
const DELAY_MS = scaled(4, 1);
const DELAYED = `delayed by ${DELAY_MS} ms`;
const delay = (): void => {
  const until = performance.now() + DELAY_MS;
  while (performance.now() < until);
};

interface Sent {
  readonly path: string;
  readonly lines: readonly string[];
}

/** How a token is sent. */
type Place = (token: string) => Sent;

/** Where a token may stand; all but the first in the soak. */
const PLACES: readonly (readonly [name: string, place: Place])[] = [
  ['Authorization', (token) => ({ path: '/', lines: [`Authorization: Bearer ${token}`] })],
  ['a cookie', (token) => ({ path: '/', lines: [`Cookie: session=${token}`] })],
  ['the query', (token) => ({ path: `/?token=${token}`, lines: [] })],
];

let addresses = 0;
/** A fresh address for each request, so that the failure gate stays out of it, and the same length for all. */
const requestFor = (token: string | undefined, place: Place): Sent => {
  const i = addresses++;
  const address = `CF-Connecting-IP: 10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  const { path, lines } = token === undefined ? { path: '/', lines: [] } : place(token);
  const length = [path, address, ...lines].join('\r\n').length;
  return { path, lines: [address, ...lines, `X-Padding: ${'x'.repeat(HEADER_BYTES - length)}`] };
};

interface Trial extends Sent {
  readonly kind: string;
}

const trialsOf = async (
  kind: string,
  make: () => Promise<string | undefined>,
  count: number,
  place: Place,
): Promise<Trial[]> => {
  const trials: Trial[] = [];
  for (let i = 0; i < count; i += 1) trials.push({ kind, ...requestFor(await make(), place) });
  return trials;
};

const allTrials = async (count: number, place: Place): Promise<Trial[]> => {
  const named = Object.entries({ ...kinds, [DELAYED]: forged });
  const trials = named.map(([kind, make]) => trialsOf(kind, make, count, place));
  return shuffled((await Promise.all(trials)).flat());
};

const shuffled = <T>(values: readonly T[]): T[] =>
  values
    .map((value) => [Math.random(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);

const timesOf = async (trials: readonly Trial[]): Promise<Map<string, number[]>> => {
  using connection = await TimedConnection.open(weir.url);
  const times = new Map<string, number[]>();
  for (const { kind, path, lines } of trials) {
    const { status, ms } = await connection.time(lines, kind === DELAYED ? delay : undefined, path);
    expect(status).toBe(401);
    times.set(kind, [...(times.get(kind) ?? []), ms]);
  }
  return times;
};

interface Pair {
  readonly names: string;
  readonly probability: number;
}

/** Every pair of kinds, with the probability that chance alone parts them so. */
const pairsOf = (times: ReadonlyMap<string, readonly number[]>): Pair[] => {
  const entries = [...times];
  const pairs = entries.flatMap(([a, x], i) =>
    entries.slice(i + 1).map(([b, y]) => ({ names: `${a} / ${b}`, probability: ksProbability(x, y) })),
  );
  const adjusted = holm(pairs.map(({ probability }) => probability));
  return pairs.map(({ names }, i) => ({ names, probability: adjusted[i] ?? 1 }));
};

const describeTimes = (kind: string, times: readonly number[]): string => {
  const [median, late] = [quantile(times, 0.5), quantile(times, 0.999)];
  return `  ${kind.padEnd(16)} median ${median.toFixed(3)} ms, 99.9th percentile ${late.toFixed(3)} ms`;
};

test.each(PLACES.slice(0, scaled(1, PLACES.length)))(
  `seven kinds of refusal in %s take the same time, and ${DELAY_MS} ms more would show`,
  {
    timeout: SOAK_TIMEOUT_MS,
  },
  async (_name, place) => {
    await timesOf(await allTrials(WARM_UP, place));
    const times = await timesOf(await allTrials(SAMPLES, place));
    const delayed = times.get(DELAYED) ?? [];
    tell(`timing: ${SAMPLES} refusals of each kind`);
    for (const [kind, values] of times) tell(describeTimes(kind, values));

    const found = ksProbability(times.get('bad signature') ?? [], delayed);
    tell(`  ${DELAY_MS} ms put in on purpose: p = ${found.toExponential(1)}`);
    expect(found * PAIRS).toBeLessThan(SIGNIFICANCE);

    times.delete(DELAYED);
    const pairs = pairsOf(times);
    expect(pairs).toHaveLength(PAIRS);
    const nearest = pairs.toSorted((a, b) => a.probability - b.probability)[0];
    tell(
      `  nearest to being told apart: ${nearest?.names}, p = ${nearest?.probability.toFixed(3)} (Holm, ${PAIRS} pairs)`,
    );
    expect(pairs.filter(({ probability }) => probability < SIGNIFICANCE)).toEqual([]);
  },
);
