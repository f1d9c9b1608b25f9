// A stolen token, revoked while its subject is busy everywhere: within a lease's life it passes nowhere.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, adminOf } from '../fixtures/admin.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer, mint, type Weir } from '../fixtures/weir.ts';

/** A lease's life of 1 s, and what a request may take to be decided. */
const TAKES_EFFECT_MS = 1_200;
/** Of which two thirds are the subject's. */
const PER_SECOND = 750;
const TICK_MS = 10;

/** A machine that is too slow for the rate gets what it can take. */
const MOST_OPEN = 100;

const on = stage();

const start = (vars: Record<string, unknown>): Promise<Weir> =>
  on.start({ vars, secrets: { ADMIN_TOKEN }, isolates: 4 });

interface Seen {
  readonly caller: string;
  readonly started: number;
  readonly ended: number;
  readonly status: number;
}

const statusOf = async (url: string, token: string): Promise<number> => {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
};

/** Sends on every isolate in turn, callers in turn, until stopped. */
const load = (callers: Readonly<Record<string, string>>, path = '/status/204') => {
  const seen: Promise<Seen>[] = [];
  let open = 0;
  const names = Object.keys(callers);
  const send = async (i: number): Promise<Seen> => {
    const caller = names[i % names.length] ?? '';
    const url = on.weir.urls[Math.floor(i / names.length) % on.weir.urls.length] ?? '';
    const started = Date.now();
    open++;
    const status = await statusOf(url + path, callers[caller] ?? '');
    open--;
    return { caller, started, ended: Date.now(), status };
  };
  const began = Date.now();
  const timer = setInterval(() => {
    const due = ((Date.now() - began) * PER_SECOND) / 1_000;
    while (seen.length < due && open < MOST_OPEN) seen.push(send(seen.length));
  }, TICK_MS);
  return async (): Promise<Seen[]> => {
    clearInterval(timer);
    return Promise.all(seen);
  };
};

const countOf = (seen: readonly Seen[]) => {
  const counts: Record<string, number> = {};
  for (const { caller, status } of seen)
    counts[`${caller} ${status}`] = (counts[`${caller} ${status}`] ?? 0) + 1;
  return counts;
};

/** Revokes and says when the API had answered. */
const revoke = async (query: string, body: unknown): Promise<number> => {
  const { status } = await adminOf(on.weir)('POST', `subjects/revoke${query}`, body);
  expect(status).toBe(200);
  return Date.now();
};

const tokens = async () => ({
  stolen: await mint({ sub: 'alice', jti: 'stolen' }),
  good: await mint({ sub: 'alice', jti: 'good' }),
  other: await mint({ sub: 'bob', jti: 'bobs' }),
});

describe.each([
  ['a subject with limits', { LIMITS: '10000000/minute' }],
  ['a route without limits', { ROUTES: [{ name: 'free', match: '/*', limits: 'none' }] }],
])('revoked at 500 requests a second over four isolates, on %s,', (_name, vars) => {
  it('a token passes nowhere 1.2 s later, also after eviction; the good one and other subjects go on', async () => {
    await start(vars);
    const { stolen, good, other } = await tokens();
    const began = Date.now();
    const stop = load({ stolen, good, other });
    await sleep(1_500);
    const askedAt = Date.now();
    const revokedAt = await revoke('', { token: stolen });
    await sleep(2_500);
    await on.weir.evictLimiters();
    await sleep(1_500);
    const seen = await stop();
    const after = seen.filter(({ started }) => started > revokedAt + TAKES_EFFECT_MS);
    const before = seen.filter(({ ended }) => ended < askedAt);
    expect(Object.keys(countOf(before)).toSorted()).toEqual(['good 204', 'other 204', 'stolen 204']);
    expect(Object.keys(countOf(after)).toSorted()).toEqual(['good 204', 'other 204', 'stolen 401']);
    expect(after.length).toBeGreaterThan(500);
    const passed = seen.filter(({ caller, status }) => caller === 'stolen' && status === 204);
    const last = Math.max(...passed.map(({ started }) => started - revokedAt));
    const perSecond = Math.round((seen.length * 1_000) / (Date.now() - began));
    console.log(
      `${_name}: ${perSecond} requests a second, the last that passed began ${last} ms after the answer`,
    );
  });
});

describe('a revoked token', () => {
  const statusAt = (isolate: number, token: string) => statusOf(`${on.weir.urls[isolate]}/status/204`, token);

  it('stays so after the subject’s counters have drained, in isolates that never saw it', async () => {
    await start({ LIMITS: '100/second' });
    const { stolen, good } = await tokens();
    expect(await statusAt(0, stolen)).toBe(204);
    await revoke('', { token: stolen });
    const left = async () => {
      const { body } = await adminOf(on.weir)('GET', 'subjects?subject=alice');
      return (body.policies as { remaining: number }[])[0]?.remaining;
    };
    for (let i = 0; i < 100 && (await left()) !== 100; i++) await sleep(100);
    expect(await left()).toBe(100);
    expect(await statusAt(1, stolen)).toBe(401);
    await on.weir.evictLimiters();
    expect(await statusAt(2, stolen)).toBe(401);
    expect(await statusAt(2, good)).toBe(204);
  });

  it('spends no permit of its subject', async () => {
    await start({ LIMITS: '10/minute' });
    const { stolen, good } = await tokens();
    await revoke('', { token: stolen });
    for (let i = 0; i < 40; i++) expect(await statusAt(i % 4, stolen)).toBe(401);
    const answer = await on.weir.fetch('/status/204', { headers: { Authorization: `Bearer ${good}` } });
    expect(answer.headers.get('RateLimit')).toContain('r=9;');
  });

  it('gets the same bytes as any other bad token, and no sooner', async () => {
    await start({ UNAUTHORIZED_DELAY_MS: '50' });
    const { stolen } = await tokens();
    await revoke('', { token: stolen });
    const answerTo = async (token: string) => {
      const began = performance.now();
      const response = await on.weir.fetch('/x', { headers: { Authorization: `Bearer ${token}` } });
      const fields = [...response.headers].filter(([name]) => name !== 'date');
      const answer = JSON.stringify([response.status, fields, await response.text()]);
      expect(performance.now() - began).toBeGreaterThan(49);
      return answer;
    };
    const first = await answerTo(stolen);
    expect(await answerTo(stolen)).toBe(first);
    expect(await answerTo('no.such.token')).toBe(first);
  });

  it('is told in the log as such, without its id', async () => {
    await start({});
    const { stolen } = await tokens();
    await revoke('', { token: stolen });
    on.weir.clearLogs();
    await statusAt(0, stolen);
    const lines = on.weir.logs().map(({ message }) => JSON.parse(message));
    expect(lines).toMatchObject([{ outcome: 'unauthorized', reason: 'token_revoked', status: 401 }]);
    expect(JSON.stringify(lines)).not.toContain('stolen');
  });

  it('is refused in shadow mode too, though the subject’s denials pass there', async () => {
    await start({ MODE: 'shadow', LIMITS: '1/minute' });
    const { stolen, good } = await tokens();
    for (let i = 0; i < 5; i++) expect(await statusAt(0, stolen)).toBe(204);
    await revoke('', { token: stolen });
    await sleep(TAKES_EFFECT_MS);
    expect(await statusAt(0, stolen)).toBe(401);
    expect(await statusAt(0, good)).toBe(204);
  });
});

describe('revoked by time', () => {
  it('every token from before is refused, with or without `jti` and `iat`, and a new one passes', async () => {
    await start({});
    const iat = Math.floor(Date.now() / 1000);
    const old = [{ iat: iat - 60 }, { iat: iat - 60, jti: 'x' }, { iat: undefined }].map((claims) =>
      bearer({ sub: 'alice', ...claims }),
    );
    const statusOf = async (headers: Record<string, string>) =>
      (await on.weir.fetch('/status/204', { headers })).status;
    for (const headers of old) expect(await statusOf(await headers)).toBe(204);
    await revoke('?subject=alice', { before: new Date((iat - 30) * 1000).toISOString() });
    await sleep(TAKES_EFFECT_MS);
    for (const headers of old) expect(await statusOf(await headers)).toBe(401);
    expect(await statusOf(await bearer({ sub: 'alice', iat }))).toBe(204);
    expect(await statusOf(await bearer({ sub: 'bob', iat: iat - 60 }))).toBe(204);
  });

  it('a token of an issuer whose clock is ahead is refused too, as far as the tolerance goes', async () => {
    await start({ CLOCK_TOLERANCE_SECONDS: '60' });
    const now = Math.floor(Date.now() / 1000);
    const ahead = await mint({ sub: 'alice', iat: now + 30 });
    expect(await statusOf(`${on.weir.url}/status/204`, ahead)).toBe(204);
    await revoke('?subject=alice', { before: 'now' });
    await sleep(TAKES_EFFECT_MS);
    expect(await statusOf(`${on.weir.url}/status/204`, ahead)).toBe(401);
  });
});
