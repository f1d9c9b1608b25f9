// A trial run for tokens: `AUTH_MODE=shadow` refuses no token, and gives it nothing.
import { describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, adminOf } from '../fixtures/admin.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer, mint } from '../fixtures/weir.ts';

const on = stage();

const LIMITED = { LIMITS: '2/minute', ANONYMOUS_LIMITS: '2/minute', AUTH_MODE: 'shadow' };

const start = (vars: Record<string, unknown> = {}) =>
  on.start({ vars: { ...LIMITED, ...vars }, secrets: { ADMIN_TOKEN } });

const expired = () => bearer({ sub: 'alice', exp: 1_000_000 });
const statuses = async (count: number, init: () => Promise<RequestInit>): Promise<number[]> => {
  const found: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const response = await on.weir.fetch('/status/204', await init());
    await response.arrayBuffer();
    found.push(response.status);
  }
  return found;
};

describe('under AUTH_MODE=shadow a token that would be refused', () => {
  test('passes as nobody: no identity, no limits of a subject or of anonymous callers, none spent of either', async () => {
    await start();
    expect(await statuses(5, async () => ({ headers: await expired() }))).toEqual([204, 204, 204, 204, 204]);
    const seen = on.origin.seen.filter(({ url }) => url === '/status/204');
    expect(seen.map(({ headers }) => headers['x-auth-subject'])).toEqual(Array(5).fill(undefined));
    expect(await statuses(3, async () => ({ headers: await bearer({ sub: 'alice' }) }))).toEqual([
      204, 204, 429,
    ]);
  });

  test('is in the log, with the reason for which it would have been refused', async () => {
    await start();
    await statuses(1, async () => ({ headers: await expired() }));
    await expect
      .poll(() => on.weir.logs().map(({ message }) => message))
      .toContainEqual(
        expect.stringMatching(/"outcome":"unauthorized","reason":"token_expired".*"shadow":true/),
      );
  });

  test.each([
    ['every address', { IP_LIMITS: '3/minute' }],
    ['everybody', { GLOBAL_LIMITS: '3/minute' }],
  ])('still counts where %s does', async (_who, vars) => {
    await start(vars);
    expect(await statuses(4, async () => ({ headers: await expired() }))).toEqual([204, 204, 204, 429]);
  });

  test('is refused all the same once it is revoked, and a good one of a blocked subject too', async () => {
    await start();
    const stolen = await mint({ sub: 'mallory', jti: 'stolen' });
    const admin = adminOf(on.weir);
    expect((await admin('POST', 'subjects/revoke', { token: stolen })).status).toBe(200);
    const sent = { headers: { Authorization: `Bearer ${stolen}` } };
    expect(await statuses(2, async () => sent)).toEqual([401, 401]);
    const until = new Date(Date.now() + 100_000).toISOString();
    const blocked = { limits: 'blocked', until, reason: 'an incident' };
    expect((await admin('PUT', 'subjects/override?subject=bob', blocked)).status).toBe(200);
    expect(await statuses(1, async () => ({ headers: await bearer({ sub: 'bob' }) }))).toEqual([429]);
  });
});
