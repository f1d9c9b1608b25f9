// The data centre's copy of a key set, in the Cache API, so that a cold isolate need not ask the issuer.
import type { RemoteSource } from './fetch.ts';

interface CachedKeys {
  readonly text: string;
  /** When the issuer was asked, milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/** Seconds that the copy may be kept: a key set outlives an outage of a day. */
const KEPT_SECONDS = 86_400;
const FETCHED_AT = 'X-Fetched-At';

/** The cached copy; undefined if there is none. Callers do without one where the Cache API fails. */
export const readCachedKeys = async (source: RemoteSource): Promise<CachedKeys | undefined> => {
  const cache = await caches.open(CACHE_NAME);
  const response = await cache.match(cacheKey(source));
  if (!response) return undefined;
  return { text: await response.text(), fetchedAt: Number(response.headers.get(FETCHED_AT)) };
};

export const writeCachedKeys = async (
  source: RemoteSource,
  { text, fetchedAt }: CachedKeys,
): Promise<void> => {
  const headers = { 'Cache-Control': `max-age=${KEPT_SECONDS}`, [FETCHED_AT]: String(fetchedAt) };
  const cache = await caches.open(CACHE_NAME);
  await cache.put(cacheKey(source), new Response(text, { headers }));
};

/** A cache of its own, and under a name that no request from outside can carry (RFC 6761 section 6.4). */
const CACHE_NAME = 'weir-keys';
const cacheKey = (source: RemoteSource): string =>
  `https://weir.invalid/${source.kind}/${encodeURIComponent(source.kind === 'jwks' ? source.url : source.issuer)}`;
