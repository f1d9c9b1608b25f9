// `npm run traffic`: lifelike callers for the demo, so that its console has something to show.
import { setTimeout as sleep } from 'node:timers/promises';
import { command, paint, say, seconds, text, UsageError } from './cli.ts';
import { mint } from './demo/issuer.ts';

const DAY = 86_400;

interface Sender {
  readonly url: string;
  readonly until: number;
  /** Answers by status. */
  readonly statuses: Map<number, number>;
}

/** A kind of caller: what it sends, and how long it waits then, milliseconds. */
interface Kind {
  readonly about: string;
  readonly callers: number;
  readonly tokenOf: (index: number) => Promise<string | undefined>;
  readonly paths: readonly string[];
  readonly pauseMs: (at: number) => number;
}

/** Waits as independent callers do: exponentially distributed around the mean. */
const around = (meanMs: number) => () => -Math.log(1 - Math.random()) * meanMs;

/** Quick for 3 of every 15 seconds, else nearly silent. */
const inBursts = (at: number): number => (at % 15_000 < 3_000 ? 120 : 4_000);

const subject = (name: string, tier?: string) => (index: number) =>
  mint(`${name}-${index}`, DAY, tier === undefined ? {} : { tier });

const ADDRESSES = '192.0.2.';

const KINDS: readonly Kind[] = [
  {
    about: 'steady, within their plan',
    callers: 12,
    tokenOf: subject('steady', 'pro'),
    paths: ['/hello', '/items', '/items/7'],
    pauseMs: around(900),
  },
  {
    about: 'bursty',
    callers: 4,
    tokenOf: subject('bursty'),
    paths: ['/hello', '/search'],
    pauseMs: inBursts,
  },
  {
    about: 'over their plan',
    callers: 3,
    tokenOf: subject('small-plan'),
    paths: ['/export'],
    pauseMs: around(600),
  },
  { about: 'abusive', callers: 1, tokenOf: subject('abusive'), paths: ['/search'], pauseMs: around(45) },
  {
    about: 'forged tokens',
    callers: 2,
    tokenOf: async () => `${(await mint('admin', DAY)).slice(0, -8)}AAAAAAAA`,
    paths: ['/admin', '/items'],
    pauseMs: around(350),
  },
  {
    about: 'expired tokens',
    callers: 1,
    tokenOf: () => mint('late', -60),
    paths: ['/hello'],
    pauseMs: around(1_500),
  },
  {
    about: 'no token',
    callers: 2,
    tokenOf: async () => undefined,
    paths: ['/', '/.env'],
    pauseMs: around(1_500),
  },
];

const call = async ({ url, statuses }: Sender, path: string, token: string | undefined, address: string) => {
  const headers = {
    'CF-Connecting-IP': address,
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  const response = await fetch(url + path, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(30_000),
  });
  await response.arrayBuffer();
  statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
};

const act = async (sender: Sender, kind: Kind, index: number, address: string): Promise<void> => {
  const token = await kind.tokenOf(index);
  while (Date.now() < sender.until) {
    await sleep(kind.pauseMs(Date.now()));
    const path = kind.paths[Math.floor(Math.random() * kind.paths.length)] ?? '/';
    await call(sender, path, token, address);
  }
};

const countsText = (statuses: ReadonlyMap<number, number>): string =>
  [...statuses]
    .toSorted(([a], [b]) => a - b)
    .map(([status, count]) => `${status} ${count}`)
    .join('  ');

const REPORT_MS = 5_000;

await command({
  name: 'traffic',
  about: `Sends what callers send: ${KINDS.map(({ about, callers }) => `${callers} ${about}`).join(', ')}.
For the demo of npm start, whose console then has something to show. Ctrl-C ends it.`,
  options: {
    url: text('<url>', 'of the demo; default http://127.0.0.1:8787', 'http://127.0.0.1:8787'),
    for: seconds('how long; default a day', DAY),
  },
  async run({ url, for: time }) {
    const target = URL.parse(url);
    if (target === null || !/^(localhost|127\.[\d.]+|\[::1\])$/.test(target.hostname))
      throw new UsageError(`--url: expected this machine, got ${url}`);
    const sender: Sender = { url: target.origin, until: Date.now() + time * 1_000, statuses: new Map() };
    const callers = KINDS.flatMap((kind, k) =>
      Array.from({ length: kind.callers }, (_, i) => act(sender, kind, i, `${ADDRESSES}${10 * k + i + 1}`)),
    );
    const timer = setInterval(() => say(`${paint('dim', countsText(sender.statuses))}\n`), REPORT_MS);
    try {
      await Promise.all(callers);
    } finally {
      clearInterval(timer);
    }
    return say(`${countsText(sender.statuses)}\n`);
  },
});
