// docs/cookbook.md, "Moving from Flask-Limiter or slowapi": the same requests at the real libraries and at Weir with the
// page's vars. Where a library is not installed (Debian: python3-flask-limiter; PyPI: slowapi with fastapi and httpx), its answers as it
// gave them once, in test/fixtures/limiters-beside/recorded.json.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../fixtures/client.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'test/fixtures/limiters-beside');

type Request = readonly [method: string, path: string, caller: string];

const times = (count: number, ...request: Request): Request[] => Array.from({ length: count }, () => request);

/** Each limit of the example comes to its end, of one caller or of several, and one that is spent spends nothing else. */
const SEQUENCES: Readonly<Record<string, readonly Request[]>> = {
  'a decorated route': [...times(5, 'POST', '/reports', 'alice'), ...times(2, 'POST', '/reports', 'bob')],
  'the default limits, each route by itself': [
    ...times(51, 'GET', '/slow', 'alice'),
    ...times(51, 'GET', '/other', 'alice'),
    ...times(1, 'GET', '/slow', 'bob'),
  ],
  'an exempt route': times(60, 'GET', '/ping', 'alice'),
  'all of them in turn': Array.from({ length: 20 }, () => [
    ...times(1, 'POST', '/reports', 'carol'),
    ...times(3, 'GET', '/slow', 'carol'),
    ...times(1, 'GET', '/ping', 'carol'),
    ...times(2, 'GET', '/other', 'dave'),
  ]).flat(),
};

const recorded = JSON.parse(readFileSync(join(folder, 'recorded.json'), 'utf8')) as Record<
  string,
  Record<string, number[]>
>;

/** What the library answers; undefined where it is not installed. */
const asked = (app: string, requests: readonly Request[]): Promise<number[] | undefined> =>
  new Promise((resolve, reject) => {
    const python = process.env.WEIR_TEST_PYTHON ?? '/usr/bin/python3';
    const child = execFile(python, [join(folder, app)], (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as number[]);
      else if (/ModuleNotFoundError|ENOENT/.test(`${stderr}${error.code}`)) resolve(undefined);
      else reject(error);
    });
    child.stdin?.on('error', () => {}).end(JSON.stringify(requests));
  });

const vars = (): Record<string, unknown> => {
  const page = readFileSync(join(root, 'docs/cookbook.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith('Moving from Flask-Limiter')) ?? '';
  const toml = /```toml\n(.*?)```/s.exec(section)?.[1] ?? '';
  return parse(toml).vars as Record<string, unknown>;
};

/** Every request's response is 200 or 429 at each of them. */
const askWeir = async (weir: Weir, requests: readonly Request[]): Promise<number[]> => {
  const statuses: number[] = [];
  for (const [method, path, sub] of requests)
    statuses.push((await call(weir.url + path, { method, headers: await bearer({ sub }) })).status);
  return statuses;
};

describe('the cookbook’s vars do what the real libraries do', () => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin();
  });
  afterAll(() => origin.close());

  it.for(Object.keys(SEQUENCES))('%s', async (name) => {
    const requests = SEQUENCES[name] ?? [];
    const weir = await startWeir({ vars: { ORIGIN_URL: origin.url, ...vars() } });
    const statuses = await askWeir(weir, requests);
    await weir.close();
    expect(new Set(statuses)).toEqual(new Set(name === 'an exempt route' ? [200] : [200, 429]));
    for (const library of ['flask', 'slowapi'])
      expect([library, statuses]).toEqual([library, recorded[library]?.[name]]);
  });

  it.for(['flask', 'slowapi'])(
    '%s answers as it is recorded',
    { timeout: 60_000 },
    async (library, context) => {
      for (const [name, requests] of Object.entries(SEQUENCES)) {
        const statuses = await asked(`${library}_app.py`, requests);
        if (statuses === undefined) return context.skip(`${library} is not installed`);
        expect([name, statuses]).toEqual([name, recorded[library]?.[name]]);
      }
    },
  );
});
