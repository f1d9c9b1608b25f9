// `Authorization` -> the token in it, by shape alone. No crypto, no decoding.

/** Longest token looked into, in characters (all ASCII, so bytes too). */
const MAX_TOKEN_LENGTH = 8192;
const SCHEME = 'Bearer ';

/** RFC 6750 section 2.1 with the compact form of RFC 7519: scheme in any case, three non-empty base64url parts. */
const BEARER_TOKEN = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Whether the caller presents a Bearer token at all, good or not; else the challenge carries no error code. */
export const presentsBearer = (header: string | null): header is string =>
  header !== null && /^bearer(?![\w-])/i.test(header.slice(0, SCHEME.length));

/** The part after `Bearer `, spelled as nearly everybody spells it: a key to look up, not yet a token. */
export const candidateToken = (header: string | null): string | undefined =>
  header !== null && !isTooLong(header) && header.startsWith(SCHEME)
    ? header.slice(SCHEME.length)
    : undefined;

/**
 * The token of a well-formed header. Undefined for everything else, so also for two `Authorization` headers, which
 * the runtime joins with a comma.
 */
export const bearerToken = (header: string): string | undefined =>
  isTooLong(header) ? undefined : BEARER_TOKEN.exec(header)?.[1];

const isTooLong = (header: string): boolean => header.length > MAX_TOKEN_LENGTH + SCHEME.length;
