// The data centre's copy of a key set, in workerd's own Cache API.
import { exportJWK, generateKeyPair } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readCachedKeys, writeCachedKeys } from '../../src/auth/keys/cache.ts';
import { keysOf } from '../../src/auth/keys/keys.ts';
import type { Keys } from '../../src/auth/keys/types.ts';

let sources = 0;
/** A key set that nobody serves: whoever asks for it fails. */
const nobody = () => ({ kind: 'jwks', url: `http://127.0.0.1:1/${++sources}` }) as const;
const keysFrom = (source: ReturnType<typeof nobody>): Keys => keysOf([source], ['ES256']);

const keySet = async (): Promise<string> => {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
};

const current = async (keys: Keys) => {
  const work: Promise<unknown>[] = [];
  const set = await keys.current((task) => void work.push(task));
  await Promise.all(work);
  return set?.map(({ kid }) => kid);
};

const minutesAgo = (minutes: number): number => Date.now() - minutes * 60_000;

afterEach(() => vi.restoreAllMocks());

describe("the data centre's copy", () => {
  test('spares a cold isolate the request to the issuer', async () => {
    const source = nobody();
    await writeCachedKeys(source, { text: await keySet(), fetchedAt: minutesAgo(7) });
    const fetched = vi.spyOn(globalThis, 'fetch');
    expect(await current(keysFrom(source))).toEqual(['one']);
    expect(fetched).not.toHaveBeenCalled();
  });

  test('serves a cold isolate through an outage when it is old, but not past a day', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const source = nobody();
    await writeCachedKeys(source, { text: await keySet(), fetchedAt: minutesAgo(23 * 60) });
    expect(await current(keysFrom(source))).toEqual(['one']);
    await writeCachedKeys(source, { text: await keySet(), fetchedAt: minutesAgo(25 * 60) });
    expect(await current(keysFrom(source))).toBeUndefined();
  });

  test('serves a cold isolate within a second or so while the issuer does not answer', async () => {
    const source = nobody();
    await writeCachedKeys(source, { text: await keySet(), fetchedAt: minutesAgo(60) });
    vi.spyOn(globalThis, 'fetch').mockReturnValue(new Promise(() => undefined));
    const keys = keysFrom(source);
    const started = performance.now();
    const sets = await Promise.all(Array.from({ length: 3 }, () => keys.current(() => undefined)));
    expect(performance.now() - started).toBeLessThan(2_000);
    for (const set of sets) expect(set?.map(({ kid }) => kid)).toEqual(['one']);
  });

  test('of one issuer is no other one’s', async () => {
    const source = nobody();
    await writeCachedKeys(source, { text: 'text', fetchedAt: 1 });
    expect(await readCachedKeys(source)).toEqual({ text: 'text', fetchedAt: 1 });
    expect(await readCachedKeys({ kind: 'jwks', url: `${source.url}0` })).toBeUndefined();
    expect(await readCachedKeys({ kind: 'discovery', issuer: source.url, accepted: [] })).toBeUndefined();
  });

  test('that is not a key set is no reason to fail for good', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const source = nobody();
    await writeCachedKeys(source, { text: '<html>', fetchedAt: minutesAgo(1) });
    expect(await current(keysFrom(source))).toBeUndefined();
  });
});
