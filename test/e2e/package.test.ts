// The packed package in a stranger's folder: bundled by wrangler, run on workerd.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOrigin } from '../fixtures/origin.ts';
import { type Host, packed, type Stranger, startHost } from '../fixtures/package.ts';
import { AUDIENCE, bearer, ISSUER, publicKey } from '../fixtures/weir.ts';

let stranger: Stranger;
const started: Host[] = [];

const start = async (options: Parameters<typeof startHost>[0]): Promise<string> => {
  const host = await startHost(options);
  started.push(host);
  return host.urls[0] ?? '';
};

/** Trusts the tokens that `bearer` makes; `prefix` is what a mount without `env: true` reads. */
const trusting = (prefix = '') => ({
  [`${prefix}JWT_PUBLIC_KEY`]: publicKey,
  [`${prefix}JWT_ISSUER`]: ISSUER,
  [`${prefix}JWT_AUDIENCE`]: AUDIENCE,
});

const statuses = async (count: number, url: string, headers?: Record<string, string>) => {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push((await fetch(url, { headers: headers ?? {} })).status);
  return seen;
};

beforeAll(async () => {
  stranger = await packed();
}, 120_000);
afterAll(async () => {
  await Promise.all(started.map((host) => host.close()));
  await stranger.remove();
});

it('has declarations by which the handlers of a host are checked, `c.var.identity` among them', async () => {
  expect(await stranger.typecheck()).toBe('');
}, 60_000);

it('is the gateway: 401 without a token, 429 past the quota, else the origin’s answer', async () => {
  const [script, origin] = await Promise.all([stranger.bundle('gateway'), startOrigin()]);
  const url = await start({
    script,
    // A busy machine's Limiter may take its time; who stands in for it would count anew.
    vars: {
      ...trusting(),
      LIMITS: '2/minute',
      ORIGIN_URL: origin.url,
      LIMITER_TIMEOUT_MS: '30000',
    },
  });
  expect(await statuses(1, `${url}/`)).toEqual([401]);
  expect(await statuses(3, `${url}/`, await bearer())).toEqual([200, 200, 429]);
  await origin.close();
}, 60_000);

describe('weir() on a path of an app', () => {
  let script: string;
  let url: string;
  beforeAll(async () => {
    script = await stranger.bundle('guarded');
    url = await start({ script, vars: { ...trusting('WEIR_'), MODE: 'shadow', LIMITS: 'none' } });
  }, 60_000);

  it('lets handlers know who calls, and adds RateLimit fields to their answers', async () => {
    const answer = await fetch(`${url}/api/me`, { headers: await bearer({ sub: 'ann' }) });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ subject: 'ann' });
    expect(answer.headers.get('RateLimit-Policy')).toBe('"3/minute";q=3;w=60');
    expect(answer.headers.get('RateLimit')).toMatch(/^"3\/minute";r=2;t=\d+$/);
  });

  it('refuses without a token, and past the quota, whatever the host’s own `MODE` and `LIMITS` say', async () => {
    expect(await statuses(1, `${url}/api/me`)).toEqual([401]);
    expect(await statuses(4, `${url}/api/me`, await bearer({ sub: 'bob' }))).toEqual([200, 200, 200, 429]);
  });

  it('guards every spelling that the host’s router takes for the path, and nothing else', async () => {
    expect(await statuses(1, `${url}/%61pi/me`)).toEqual([401]);
    expect(await statuses(1, `${url}/open`)).toEqual([200]);
  });

  it('does not share a quota with a mount of another name', async () => {
    const headers = await bearer({ sub: 'cat' });
    expect(await statuses(4, `${url}/api/me`, headers)).toEqual([200, 200, 200, 429]);
    expect(await statuses(4, `${url}/other/me`, headers)).toEqual([200, 200, 200, 429]);
  });

  it('leaves the host’s errors to the host, and tells them the quota all the same', async () => {
    const answer = await fetch(`${url}/api/broken`, { headers: await bearer({ sub: 'dan' }) });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('RateLimit')).toMatch(/^"3\/minute";r=2/);
  });

  it('is told at once that the compatibility date is too old', async () => {
    await expect(startHost({ script, compatibilityDate: '2024-10-01' })).rejects.toThrow();
  });

  it('answers 500 without a reason where its options are wrong', async () => {
    const broken = await start({ script, vars: { ...trusting('WEIR_'), WEIR_ALGORITHM: 'leaky' } });
    const answer = await fetch(`${broken}/api/me`, { headers: await bearer() });
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { type: 'about:blank', title: 'Internal Server Error', status: 500 },
    ]);
  });
});

it('is limit() for whom the app has authenticated: no token, a quota for each subject and mount', async () => {
  const url = await start({ script: await stranger.bundle('limited') });
  expect(await statuses(3, `${url}/ai/answer`, { 'X-User': 'eve' })).toEqual([200, 200, 429]);
  expect(await statuses(3, `${url}/mail/answer`, { 'X-User': 'eve' })).toEqual([200, 200, 429]);
  expect(await statuses(1, `${url}/ai/answer`, { 'X-User': 'fay' })).toEqual([200]);
  const { headers } = await fetch(`${url}/mail/answer`, { headers: { 'X-User': 'fay' } });
  expect([headers.get('X-RateLimit-Remaining'), headers.get('RateLimit')]).toEqual(['1', null]);
}, 60_000);

it('is limit() by what the app knows of a caller, and never by what nobody tells it', async () => {
  const url = await start({ script: await stranger.bundle('limited') });
  const of = (user: string, org?: string) => ({
    'X-User': user,
    ...(org === undefined ? {} : { 'X-Org': org }),
  });
  const answers = [];
  for (const [user, org] of [
    ['ann', 'acme'],
    ['ben', 'acme'],
    ['cat', 'acme'],
    ['cat', 'globex'],
    ['dan'],
    ['eve'],
  ])
    answers.push(...(await statuses(1, `${url}/org/answer`, of(user ?? '', org))));
  expect(answers).toEqual([200, 200, 429, 200, 200, 200]);
  expect(await statuses(3, `${url}/org/answer`, of('fay'))).toEqual([200, 200, 429]);
  expect(await statuses(1, `${url}/untold/answer`, of('ann', 'acme'))).toEqual([500]);
}, 60_000);

describe('an app that streams', () => {
  let url: string;
  beforeAll(async () => {
    const vars = { ...trusting('WEIR_'), WEIR_LIMITER_TIMEOUT_MS: '30000' };
    url = await start({ script: await stranger.bundle('streaming'), vars });
  }, 60_000);

  it.each(['api', 'own'])(
    'holds slots until its streams end or lose their clients, under /%s',
    async (mount) => {
      const headers = { ...(await bearer({ sub: `of ${mount}` })), 'X-User': 'ida' };
      const open = async (lines: number, signal: AbortSignal | null = null) => {
        const answer = await fetch(`${url}/${mount}/stream?lines=${lines}`, { headers, signal });
        return { status: answer.status, answer };
      };
      const leaving = new AbortController();
      const [endless, finite] = [await open(0, leaving.signal), await open(40)];
      expect([endless.status, finite.status]).toEqual([200, 200]);
      const refused = await open(1);
      expect([refused.status, ((await refused.answer.json()) as { title: string }).title]).toEqual([
        429,
        'Concurrency Limit Exceeded',
      ]);
      expect(await finite.answer.text()).toBe('line\n'.repeat(40));
      const next = await open(1_000, leaving.signal);
      expect(next.status).toBe(200);
      expect((await open(1)).status).toBe(429);
      leaving.abort();
      await expect.poll(async () => (await open(1)).status, { timeout: 5_000 }).toBe(200);
    },
  );

  it('spends by the status that a handler answers', async () => {
    const headers = await bearer({ sub: 'jan' });
    const login = (status: number) => statuses(1, `${url}/api/login?status=${status}`, headers);
    for (let i = 0; i < 6; i++) expect(await login(200)).toEqual([200]);
    expect([await login(401), await login(401), await login(200)]).toEqual([[401], [401], [429]]);
  });
});

it('admits its limit over eight isolates, where hono-rate-limiter’s memory store admits it eight times', async () => {
  const host = await startHost({ script: await stranger.bundle('compared'), isolates: 8 });
  started.push(host);
  const admitted = async (path: string) => {
    const calls = host.urls.flatMap((url) =>
      Array.from({ length: 30 }, () => fetch(`${url}${path}`, { headers: { 'X-User': 'gus' } })),
    );
    return (await Promise.all(calls)).filter(({ status }) => status === 200).length;
  };
  expect(await admitted('/theirs')).toBe(8 * 20);
  expect(await admitted('/ours')).toBe(20);
}, 120_000);
