// The text of an issuer's key set over the network: bounded in size and time, no redirects, no caches in between.
import { ofTenant } from '../../config/issuer-name.ts';
import type { KeySource } from '../../config/types.ts';
import { readText } from '../../lib/read-text.ts';
import { isTrustworthy } from '../../lib/trustworthy.ts';

export type RemoteSource = Extract<KeySource, { kind: 'jwks' | 'discovery' }>;

/** For headers and body of all documents together, milliseconds. */
export const FETCH_LIMIT_MS = 5_000;
/** Bytes of one document: hundreds of keys, each with its chain of certificates. */
const MAX_BYTES = 524_288;

/** What the log calls the source. */
export const nameOf = (source: RemoteSource): string =>
  source.kind === 'jwks' ? shown(source.url) : source.issuer;

/** The key set as text. @throws {Error} that says what was wrong, for the log. */
export const fetchKeySet = async (source: RemoteSource): Promise<string> => {
  const signal = AbortSignal.timeout(FETCH_LIMIT_MS);
  const url = source.kind === 'jwks' ? source.url : await discover(source, signal);
  return fetchText(url, signal);
};

type Discovery = Extract<RemoteSource, { kind: 'discovery' }>;

/**
 * The `jwks_uri` by OpenID Connect Discovery 1.0, else by RFC 8414. Where neither works, the error is the first one's: most
 * issuers have nothing else.
 */
const discover = async ({ issuer, accepted }: Discovery, signal: AbortSignal): Promise<string> => {
  const base = metadataBase(issuer);
  const openid = `${base.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return jwksUri(openid, accepted, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return jwksUri(oauthMetadataUrl(base), accepted, signal).catch(() => Promise.reject(error));
  });
};

/** Where the metadata of every tenant is, for an issuer whose name holds the tenant: Entra calls it `common`. */
const metadataBase = (issuer: string): string => ofTenant(issuer, 'common');

/** RFC 8414 section 3.1: the well-known part stands between host and path. */
const oauthMetadataUrl = (issuer: string): string => {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
};

/** RFC 8414 section 3.3: a document that names another issuer is not to be used. */
const jwksUri = async (url: string, accepted: readonly string[], signal: AbortSignal): Promise<string> => {
  const metadata: unknown = JSON.parse(await fetchText(url, signal));
  const { issuer: named, jwks_uri: uri } = Object(metadata);
  if (!accepted.some((issuer) => isSame(issuer, named))) throw new Error(mismatch(url, named, accepted));
  if (typeof uri !== 'string') throw new Error(`issuer metadata at ${url} has no jwks_uri`);
  return uri;
};

/** Takes `{tid}` and `{tenantid}` for the same placeholder. */
const isSame = (issuer: string, named: unknown): boolean =>
  typeof named === 'string' && ofTenant(issuer, '{}') === ofTenant(named, '{}');

const mismatch = (url: string, named: unknown, accepted: readonly string[]): string =>
  `issuer metadata at ${url} names ${JSON.stringify(named)?.slice(0, 200)}, not ${JSON.stringify(accepted[0])}`;

const fetchText = async (url: string, signal: AbortSignal): Promise<string> => {
  if (!isTrustworthy(new URL(url))) throw new Error(`key URL ${shown(url)} is neither https nor loopback`);
  const headers = { Accept: 'application/jwk-set+json, application/json' };
  const response = await fetch(url, { headers, signal, redirect: 'manual', cache: 'no-store' });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new Error(`key URL ${shown(url)} answered ${response.status}`);
  }
  const text = await readText(response.body, MAX_BYTES);
  if (text === undefined) throw new Error(`key URL ${shown(url)} sent more than ${MAX_BYTES} bytes`);
  return text;
};

/** Without the query, which may hold a key. */
const shown = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
};
