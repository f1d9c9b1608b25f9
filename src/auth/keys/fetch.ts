// The text of an issuer's key set over the network: bounded in size and time, no redirects, no caches in between.

import type { KeySource } from '../../config/types.ts';
import { readText } from '../../lib/read-text.ts';
import { isTrustworthy } from '../../lib/trustworthy.ts';

export type RemoteSource = Extract<KeySource, { kind: 'jwks' | 'discovery' }>;

/** For headers and body of all documents together, milliseconds. */
export const FETCH_LIMIT_MS = 5_000;
/** Bytes of one document. */
const MAX_BYTES = 65_536;

/** The key set as text. Throws an Error that says what was wrong, for the log. */
export const fetchKeySet = async (source: RemoteSource): Promise<string> => {
  const signal = AbortSignal.timeout(FETCH_LIMIT_MS);
  const url = source.kind === 'jwks' ? source.url : await discover(source.issuer, signal);
  return fetchText(url, signal);
};

/** `jwks_uri` of OpenID Connect Discovery 1.0, else of RFC 8414. */
const discover = async (issuer: string, signal: AbortSignal): Promise<string> => {
  const openid = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return jwksUri(openid, issuer, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return jwksUri(oauthMetadataUrl(issuer), issuer, signal);
  });
};

/** RFC 8414 section 3.1: the well-known part stands between host and path. */
const oauthMetadataUrl = (issuer: string): string => {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
};

/** RFC 8414 section 3.3: a document that names another issuer is not to be used. */
const jwksUri = async (url: string, issuer: string, signal: AbortSignal): Promise<string> => {
  const metadata: unknown = JSON.parse(await fetchText(url, signal));
  const { issuer: named, jwks_uri: uri } = Object(metadata);
  if (named !== issuer || typeof uri !== 'string') throw new Error('issuer metadata does not fit');
  return uri;
};

const fetchText = async (url: string, signal: AbortSignal): Promise<string> => {
  if (!isTrustworthy(new URL(url))) throw new Error('key URL is neither https nor loopback');
  const headers = { Accept: 'application/jwk-set+json, application/json' };
  const response = await fetch(url, { headers, signal, redirect: 'manual', cache: 'no-store' });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new Error(`key URL answered ${response.status}`);
  }
  const text = await readText(response.body, MAX_BYTES);
  if (text === undefined) throw new Error(`key URL sent more than ${MAX_BYTES} bytes`);
  return text;
};
