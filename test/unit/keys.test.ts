// Key sets over the years: a real issuer over real HTTP; only the clock is faked.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { keysOf } from '../../src/auth/keys/keys.ts';
import type { KeySet } from '../../src/auth/keys/set.ts';
import type { Keys } from '../../src/auth/keys/types.ts';
import type { KeySource } from '../../src/config/types.ts';
import { isTrustworthy } from '../../src/lib/trustworthy.ts';
import { type Fault, IdentityProvider } from '../fixtures/identity-provider.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let provider: IdentityProvider;
let work: Promise<unknown>[];
const background = (task: Promise<unknown>): void => {
  work.push(task);
};

const keysFrom = (...sources: KeySource[]): Keys => keysOf(sources, ['RS256', 'ES256']);
const discovered = (issuer: string): Keys => keysFrom({ kind: 'discovery', issuer, accepted: [issuer] });
const fromUrl = (): Keys => keysFrom({ kind: 'jwks', url: provider.jwksUrl });
const fromDiscovery = (): Keys => discovered(provider.issuer);

const kidsOf = (set: KeySet | undefined): (string | undefined)[] => [...new Set(set?.map(({ kid }) => kid))];
const publishedKids = (): (string | undefined)[] => provider.publicKeys.map(({ kid }) => kid);

/** As a request would: whatever it left running is over before the clock moves on. */
const current = async (keys: Keys): Promise<KeySet | undefined> => {
  const set = await keys.current(background);
  await Promise.all(work.splice(0));
  return set;
};

const newer = async (keys: Keys, than: KeySet): Promise<KeySet> => {
  const set = (await keys.newer?.(background, than)) ?? than;
  await Promise.all(work.splice(0));
  return set;
};

const passes = (ms: number): void => {
  vi.setSystemTime(Date.now() + ms);
};

const held = (set: KeySet | undefined): KeySet => {
  if (!set) throw new Error('no key set');
  return set;
};

beforeAll(async () => {
  provider = await IdentityProvider.start();
});
afterAll(() => provider.stop());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  work = [];
  provider.fault = undefined;
  provider.forgetRequests();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a key set', () => {
  test('is fetched once and then held', async () => {
    const keys = fromUrl();
    expect(kidsOf(await current(keys))).toEqual(publishedKids());
    for (let i = 0; i < 100; i += 1) await current(keys);
    expect(provider.keyRequests).toBe(1);
  });

  test('is fetched once for a hundred first requests at the same moment', async () => {
    const keys = fromUrl();
    const sets = await Promise.all(Array.from({ length: 100 }, () => keys.current(background)));
    expect(new Set(sets).size).toBe(1);
    expect(sets[0]).toBeDefined();
    expect(provider.keyRequests).toBe(1);
  });

  test('is loaded in the background, so that a client who leaves does not end it', async () => {
    void fromUrl().current(background);
    expect(work).toHaveLength(1);
    await Promise.all(work);
    expect(provider.keyRequests).toBe(1);
  });

  test('is refreshed behind the requests before it ages out', async () => {
    const keys = fromUrl();
    const first = await current(keys);
    passes(8 * MINUTE);
    expect(await current(keys)).toBe(first);
    expect(provider.keyRequests).toBe(2);
    const second = await current(keys);
    expect(second).not.toBe(first);
    expect(second?.[0]).toBe(first?.[0]);
  });

  test('that has aged out is waited for, and a key that is gone from it is trusted no more', async () => {
    const keys = fromUrl();
    const first = held(await current(keys));
    await provider.rotate();
    passes(10 * MINUTE);
    expect(kidsOf(await current(keys))).toEqual(publishedKids());
    expect(first.map(({ trusted }) => trusted)).toEqual(first.map(() => false));
  });

  test('is kept for a day while the issuer is down, and asked for ever more seldom', async () => {
    const keys = fromUrl();
    const first = await current(keys);
    await provider.stop();
    let failures = 0;
    vi.mocked(console.error).mockImplementation(() => {
      failures += 1;
    });
    for (let second = 0; second < 3_600; second += 10) {
      passes(10_000);
      expect(await current(keys)).toBe(first);
    }
    expect(failures).toBeGreaterThan(45);
    expect(failures).toBeLessThan(65);
    passes(22 * HOUR);
    expect(await current(keys)).toBe(first);
    passes(HOUR);
    expect(await current(keys)).toBeUndefined();
    await provider.restart();
    passes(MINUTE);
    expect(kidsOf(await current(keys))).toEqual(publishedKids());
  });

  test('that was never had makes every request wait for nothing, and tells when to try again', async () => {
    provider.fault = 'status_500';
    const keys = fromUrl();
    for (let i = 0; i < 100; i += 1) expect(await current(keys)).toBeUndefined();
    expect(provider.keyRequests).toBe(1);
    expect(keys.retryAfterMs(Date.now())).toBe(1_000);
    passes(1_000);
    await current(keys);
    expect(provider.keyRequests).toBe(2);
    expect(keys.retryAfterMs(Date.now())).toBe(2_000);
  });

  test.each<Fault>(['status_500', 'html', 'ten_megabytes', 'redirect', 'empty_set'])(
    'stays as it was when the issuer answers %s',
    async (fault) => {
      const keys = fromUrl();
      const first = await current(keys);
      provider.fault = fault;
      passes(10 * MINUTE);
      expect(await current(keys)).toBe(first);
      expect(provider.documentRequests).toBe(2);
      expect(first?.every(({ trusted }) => trusted)).toBe(true);
    },
  );

  test('is used but for a broken key in it', async () => {
    provider.fault = 'one_broken_key';
    expect(kidsOf(await current(fromUrl()))).toEqual(publishedKids());
  });
});

describe('an unknown key', () => {
  test('causes one refetch in thirty seconds, however many there are', async () => {
    const keys = fromUrl();
    let set = held(await current(keys));
    for (const fetches of [2, 3]) {
      for (let i = 0; i < 500; i += 1) set = await newer(keys, set);
      expect(provider.keyRequests).toBe(fetches);
      passes(30_000);
    }
  });

  test('is found by everyone who waits for the same refetch', async () => {
    const keys = fromUrl();
    const set = held(await current(keys));
    await provider.rotate(true);
    const sets = await Promise.all(Array.from({ length: 50 }, () => keys.newer?.(background, set)));
    for (const found of sets) expect(kidsOf(found)).toEqual(publishedKids());
    expect(provider.keyRequests).toBe(2);
  });

  test('does not cause more requests than the back-off allows while the issuer is down', async () => {
    const keys = fromUrl();
    const set = held(await current(keys));
    provider.fault = 'status_500';
    for (let second = 0; second < 300; second += 1) {
      expect(await newer(keys, set)).toBe(set);
      passes(1_000);
    }
    expect(provider.keyRequests).toBeLessThanOrEqual(1 + 10);
  });
});

describe('discovery', () => {
  test('finds the key set by the OpenID configuration', async () => {
    expect(kidsOf(await current(fromDiscovery()))).toEqual(publishedKids());
    expect(provider.documentRequests).toBe(2);
  });

  test.each(['https://issuer.test', ''])(
    'believes no document that names %j as its issuer',
    async (named) => {
      const { server, url } = await serve((path) =>
        path === '/keys' ? { keys: provider.publicKeys } : { issuer: named, jwks_uri: `${url}/keys` },
      );
      expect(await current(discovered(url))).toBeUndefined();
      server.close();
    },
  );

  test('falls back to RFC 8414, with the path of the issuer behind the well-known part', async () => {
    const { server, url } = await serve((path) => {
      if (path === '/.well-known/oauth-authorization-server/tenant') {
        return { issuer: `${url}/tenant`, jwks_uri: `${url}/keys` };
      }
      return path === '/keys' ? { keys: provider.publicKeys } : undefined;
    });
    expect(kidsOf(await current(discovered(`${url}/tenant`)))).toEqual(publishedKids());
    server.close();
  });

  test('follows no document to a key set that is neither on https nor on this machine by name', async () => {
    const { server, url } = await serve((path) =>
      path === '/keys' ? { keys: provider.publicKeys } : { issuer: url, jwks_uri: mapped(`${url}/keys`) },
    );
    expect(await (await fetch(mapped(`${url}/keys`))).json()).toEqual({ keys: provider.publicKeys });
    expect(await current(discovered(url))).toBeUndefined();
    server.close();
  });
});

/** The same server by an address that we do not take for loopback. */
const mapped = (url: string): string => url.replace('127.0.0.1', '[::ffff:127.0.0.1]');

describe('a key URL', () => {
  test.each([
    'https://issuer.test/',
    'http://localhost:1/',
    'http://127.0.0.1/',
    'http://127.1/',
    'http://[::1]/',
  ])('%s is fetched', (url) => expect(isTrustworthy(new URL(url))).toBe(true));

  test.each([
    'http://issuer.test/',
    'http://localhost.test/',
    'http://127.0.0.1.test/',
    'ftp://localhost/',
    'data:,',
  ])('%s is not', (url) => expect(isTrustworthy(new URL(url))).toBe(false));
});

/** A small server of JSON documents; 404 where there is none. */
const serve = async (answer: (path: string) => unknown): Promise<{ server: Server; url: string }> => {
  const server = createServer((request, response) => {
    const body = answer(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};
