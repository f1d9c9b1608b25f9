// Limits by key: whose counters a request spends from, on the built Worker.
import { beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, adminOf } from '../fixtures/admin.ts';
import { call } from '../fixtures/client.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer, ISSUER, mint, type Weir } from '../fixtures/weir.ts';

const on = stage();

const start = (vars: Record<string, unknown>, isolates = 1): Promise<Weir> =>
  on.start({ vars, secrets: { ADMIN_TOKEN }, isolates });

let addresses = 0;
beforeEach(() => {
  addresses = 0;
});
/** Every request comes from an address of its own unless it says otherwise. */
const somewhere = () => `198.51.100.${addresses++ % 256}`;

interface Caller {
  readonly claims?: Record<string, unknown>;
  readonly address?: string;
  readonly path?: string;
}

const statusOf = async ({ claims, address = somewhere(), path = '/echo' }: Caller): Promise<number> => {
  const headers = { ...(claims && (await bearer(claims))), 'CF-Connecting-IP': address };
  const response = await on.weir.fetch(path, { headers });
  await response.arrayBuffer();
  return response.status;
};

const statuses = async (...callers: readonly Caller[]): Promise<number[]> => {
  const all: number[] = [];
  for (const caller of callers) all.push(await statusOf(caller));
  return all;
};

const member = (sub: string, org: unknown): Caller => ({ claims: { sub, org: { id: org } } });

describe('a limit by a claim', () => {
  it('holds all callers that have the same value, whatever their subjects and addresses', async () => {
    await start({ LIMITS: '100/minute; 3/minute by org.id' });
    const six = ['a', 'b', 'c', 'd', 'e', 'f'].map((sub) => member(sub, 'acme'));
    expect(await statuses(...six)).toEqual([200, 200, 200, 429, 429, 429]);
    expect(await statuses(member('g', 'globex'))).toEqual([200]);
  });

  it('counts a token without it as its subject, and no two such subjects as one', async () => {
    await start({ LIMITS: '2/minute by org.id' });
    const [alice, bob] = [{ claims: { sub: 'alice' } }, { claims: { sub: 'bob' } }];
    expect(await statuses(alice, alice, alice, bob)).toEqual([200, 200, 429, 200]);
    const odd = [{}, [], null, '', 'x'.repeat(2000)].map((org) => member('carol', org));
    expect(await statuses(...odd)).toEqual([200, 200, 429, 429, 429]);
  });

  it('shares no counter between a subject and an organisation of one name', async () => {
    await start({ LIMITS: '1/minute; 1/minute by org.id' });
    expect(await statuses(member('acme', 'x'), member('y', 'acme'))).toEqual([200, 200]);
  });

  it('is named as it is written, in fields that a parser can read', async () => {
    await start({
      LIMITS: '10/minute; 5000/minute by org.id',
      ROUTES: [{ name: 'a', match: '/a', limits: '7/hour by everyone' }],
    });
    const response = await on.weir.fetch('/a', { headers: await bearer({ org: { id: 'acme' } }) });
    expect(response.headers.get('RateLimit-Policy')).toBe(
      '"10/minute";q=10;w=60, "5000/minute by org.id";q=5000;w=60, "a:7/hour by everyone";q=7;w=3600',
    );
  });

  it('may have a claim whose name is a key’s', async () => {
    await start({ LIMITS: '2/minute by claim:address' });
    const from = (address: string, at: string): Caller => ({
      claims: { sub: `${at}`, address },
      address: at,
    });
    expect(
      await statuses(
        from('x', '192.0.2.1'),
        from('x', '192.0.2.2'),
        from('x', '192.0.2.3'),
        from('y', '192.0.2.1'),
      ),
    ).toEqual([200, 200, 429, 200]);
  });
});

describe('a limit by address, by everyone and by a parameter', () => {
  it('by address holds all callers of one address, with a token or without', async () => {
    await start({
      LIMITS: '9/minute; 2/minute by address',
      ANONYMOUS_LIMITS: '9/minute',
      ROUTES: [{ name: 'open', match: '/open', auth: 'none' }],
    });
    const at = (sub: string): Caller => ({ claims: { sub }, address: '192.0.2.1' });
    expect(await statuses(at('a'), at('b'), at('c'))).toEqual([200, 200, 429]);
  });

  it('by everyone holds all callers of one route and no other', async () => {
    await start({
      LIMITS: '9/minute',
      ROUTES: [{ name: 'few', match: '/few/*', limits: '2/minute by everyone' }],
    });
    const to = (sub: string, path: string): Caller => ({ claims: { sub }, path });
    expect(await statuses(to('a', '/few/1'), to('b', '/few/2'), to('c', '/few/3'), to('c', '/echo'))).toEqual(
      [200, 200, 429, 200],
    );
  });

  it('by a parameter of the path counts every spelling of one value as one', async () => {
    await start({
      LIMITS: '99/minute',
      ROUTES: [{ name: 'team', match: '/teams/:team', limits: '3/minute by :team' }],
    });
    const to = (path: string): Caller => ({ claims: { sub: path }, path });
    const spelled = ['/teams/acme', '/teams/%61cme', '/teams/ACME', '/teams/acm%65', '/teams/Acme/'].map(to);
    expect(await statuses(...spelled)).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses(to('/teams/globex'))).toEqual([200]);
  });

  it('by route counts a caller on each route by itself', async () => {
    await start({
      LIMITS: '3/hour by route',
      ROUTES: ['a', 'b', 'c'].map((name) => ({ name, match: `/${name}` })),
    });
    const to = (path: string): Caller => ({ claims: { sub: 'alice' }, path });
    const each = ['/a', '/b', '/c'].flatMap((path) => [to(path), to(path), to(path), to(path)]);
    expect(await statuses(...each)).toEqual([200, 200, 200, 429, 200, 200, 200, 429, 200, 200, 200, 429]);
  });
});

describe('plans by route', () => {
  it('a route’s limits by tier, with `default` for all others; `none` exempts a tier there', async () => {
    await start({
      ...{ TIER_CLAIM: 'plan', LIMITS: '99/minute' },
      ROUTES: [
        {
          name: 'r',
          match: '/r',
          limits: { free: '1/minute', pro: '2/minute', staff: 'none', default: '3/minute' },
        },
      ],
    });
    const as = (plan: string, count: number): Caller[] =>
      Array.from({ length: count }, () => ({ claims: { sub: plan, plan }, path: '/r' }));
    expect(await statuses(...as('free', 2))).toEqual([200, 429]);
    expect(await statuses(...as('pro', 3))).toEqual([200, 200, 429]);
    expect(await statuses(...as('other', 4))).toEqual([200, 200, 200, 429]);
    expect(await statuses(...as('staff', 9))).toEqual(Array(9).fill(200));
  });

  it('`none` is a list without limits in every var', async () => {
    await start({
      ...{
        TIER_CLAIM: 'plan',
        LIMITS: '1/minute',
        TIERS: { staff: 'none' },
        ANONYMOUS_LIMITS: 'none',
        IP_LIMITS: 'none',
      },
      ...{
        PREFLIGHT_LIMITS: 'none',
        GLOBAL_LIMITS: 'none',
        ROUTES: [{ name: 'open', match: '/open', auth: 'none' }],
      },
    });
    const staff: Caller = { claims: { plan: 'staff' } };
    expect(await statuses(staff, staff, staff)).toEqual([200, 200, 200]);
    const anyone: Caller = { path: '/open', address: '192.0.2.1' };
    expect(await statuses(anyone, anyone, anyone)).toEqual([200, 200, 200]);
    expect(await statuses({ claims: { sub: 'b' } }, { claims: { sub: 'b' } })).toEqual([200, 429]);
  });

  it('a route may be looser than the default', async () => {
    await start({
      LIMITS: '1/minute',
      ROUTES: [{ name: 'bulk', match: '/bulk', limits: '3/minute', override_defaults: true }],
    });
    const to = (path: string): Caller => ({ claims: { sub: 'alice' }, path });
    expect(
      await statuses(to('/bulk'), to('/bulk'), to('/bulk'), to('/bulk'), to('/echo'), to('/echo')),
    ).toEqual([200, 200, 200, 429, 200, 429]);
  });
});

describe('mode, cost and standing belong to policies', () => {
  const path = '/new';

  it('a blocked subject is refused on a shadow route, and in shadow mode', async () => {
    for (const vars of [
      { ROUTES: [{ name: 'new', match: path, mode: 'shadow', limits: '1/minute' }] },
      { MODE: 'shadow' },
      { MODE: 'shadow', LIMITS: 'none' },
    ]) {
      const weir = await start(vars);
      const body = {
        limits: 'blocked',
        until: new Date(Date.now() + 60_000).toISOString(),
        reason: 'a test',
      };
      const answer = await adminOf(weir)('PUT', 'subjects/override?subject=mallory', body);
      expect(answer.status).toBe(200);
      expect(await statuses({ claims: { sub: 'mallory' }, path })).toEqual([429]);
      await weir.close();
    }
  });

  it('a path that meets two routes spends of each limit what its own route costs', async () => {
    const weir = await start({
      LIMITS: '100/minute',
      ROUTES: [
        { name: 'export', match: '/export', cost: 20 },
        { name: 'files', match: '/export/*', limits: '10/minute' },
      ],
    });
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => call(`${weir.url}/export/`, { headers: await bearer() })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 429]);
    const denied = answers.find(({ status }) => status === 429);
    expect(Number(denied?.headers['retry-after'])).toBeGreaterThan(50);
  });

  it('an override that could never hold what a request costs is refused', async () => {
    const weir = await start({ LIMITS: '100/minute', ROUTES: [{ name: 'big', match: '/big', cost: 5 }] });
    const until = new Date(Date.now() + 60_000).toISOString();
    const set = (limits: string) =>
      adminOf(weir)('PUT', 'subjects/override?subject=alice', { limits, until, reason: 'a test' });
    expect((await set('3/minute')).body.errors).toMatchObject([{ field: 'limits' }]);
    expect((await set('5/minute')).status).toBe(200);
    expect(
      await statuses({ claims: { sub: 'alice' }, path: '/big' }, { claims: { sub: 'alice' }, path: '/big' }),
    ).toEqual([200, 429]);
  });

  it('an override holds also where the caller has no limits of its own', async () => {
    const weir = await start({ LIMITS: 'none' });
    const until = new Date(Date.now() + 60_000).toISOString();
    await adminOf(weir)('PUT', 'subjects/override?subject=alice', {
      limits: '1/minute',
      until,
      reason: 'a test',
    });
    expect(await statuses({ claims: { sub: 'alice' } }, { claims: { sub: 'alice' } })).toEqual([200, 429]);
  });
});

describe('the admin API names a partition as requests do', () => {
  const until = () => new Date(Date.now() + 60_000).toISOString();
  const blocked = () => ({ limits: 'blocked', until: until(), reason: 'a test' });

  it('asks for the issuer where the configuration does not say, and then holds', async () => {
    const weir = await start({ JWT_ISSUER: '', LIMITS: '9/minute' });
    const admin = adminOf(weir);
    const missed = await admin('PUT', 'subjects/override?subject=alice', blocked());
    expect([missed.status, missed.body.errors]).toMatchObject([400, [{ field: 'issuer' }]]);
    expect((await admin('POST', 'subjects/revoke?subject=alice', { before: 'now' })).status).toBe(400);
    const query = `subject=alice&issuer=${encodeURIComponent(ISSUER)}`;
    expect((await admin('PUT', `subjects/override?${query}`, blocked())).status).toBe(200);
    expect(await statuses({ claims: { sub: 'alice' } })).toEqual([429]);
    expect((await admin('PUT', 'subjects/override?subject=bob&issuer=', blocked())).status).toBe(200);
    expect(await statuses({ claims: { sub: 'bob', iss: undefined } }, { claims: { sub: 'bob' } })).toEqual([
      429, 200,
    ]);
    expect(
      (
        await admin('POST', `subjects/revoke?subject=carol&issuer=${encodeURIComponent(ISSUER)}`, {
          before: 'now',
        })
      ).status,
    ).toBe(200);
    expect(await statuses({ claims: { sub: 'carol', iat: Math.floor(Date.now() / 1000) - 10 } })).toEqual([
      401,
    ]);
  });

  it('`before: now` covers a token of a clock that is as far ahead as is tolerated', async () => {
    const weir = await start({ CLOCK_TOLERANCE_SECONDS: '60' });
    const iat = Math.floor(Date.now() / 1000) + 30;
    const headers = { Authorization: `Bearer ${await mint({ iat, jti: 'ahead' })}` };
    expect((await weir.fetch('/echo', { headers })).status).toBe(200);
    const shown = await adminOf(weir)('POST', 'subjects/revoke?subject=alice', { before: 'now' });
    expect(shown.status).toBe(200);
    await expect
      .poll(async () => (await weir.fetch('/echo', { headers })).status, { timeout: 2_000 })
      .toBe(401);
  });

  it('looks at, resets and overrides any key, and refuses one that no limit counts by', async () => {
    const weir = await start({
      LIMITS: '99/minute; 2/minute by org.id',
      ROUTES: [{ name: 'team', match: '/teams/:team', limits: '1/minute by :team' }],
    });
    const admin = adminOf(weir);
    await statuses(member('a', 'acme'), member('b', 'acme'));
    const look = await admin('GET', 'keys?key=org.id&value=acme');
    expect(look.body).toMatchObject({
      key: 'org.id',
      value: 'acme',
      policies: [{ name: '2/minute by org.id', remaining: 0 }],
    });
    expect((await admin('POST', 'keys/reset?key=org.id&value=acme')).status).toBe(200);
    await expect.poll(() => statusOf(member('c', 'acme')), { timeout: 12_000 }).toBe(200);
    expect((await admin('PUT', 'keys/override?key=org.id&value=acme', blocked())).status).toBe(200);
    await expect.poll(() => statusOf(member('d', 'acme')), { timeout: 2_000 }).toBe(429);
    expect(await statuses(member('d', 'globex'))).toEqual([200]);
    expect((await admin('PUT', 'keys/override?key=:team&value=Acme', blocked())).status).toBe(200);
    expect(await statuses({ claims: { sub: 'z' }, path: '/teams/acme' })).toEqual([429]);
    for (const query of ['key=plan&value=x', 'key=everyone', 'key=:other&value=x', 'key=org.id'])
      expect((await admin('PUT', `keys/override?${query}`, blocked())).status).toBe(400);
  });
});
