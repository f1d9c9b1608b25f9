// Verified claims -> Identity. Pure.
import type { JWTPayload } from 'jose';
import type { ClaimHeader } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { subjectPartition } from '../partition.ts';

/** Longest subject, in UTF-16 units (OpenID Connect Core section 2 allows 255 ASCII characters). */
const MAX_SUBJECT_LENGTH = 255;
/** Longest value of a claim header, in bytes: what common servers take for one line. */
const MAX_HEADER_LENGTH = 8_192;

export interface ClaimNames {
  readonly subjectClaim: readonly string[];
  readonly tierClaim: readonly string[] | undefined;
  readonly headers: readonly ClaimHeader[];
}

/** The identity, or the reason why these claims make none. */
export const identityOf = (claims: JWTPayload, names: ClaimNames): Identity | string => {
  const subject = subjectOf(claimAt(claims, names.subjectClaim));
  if (subject === undefined) return 'subject_unusable';
  const headers = claimHeaders(claims, names.headers);
  if (!headers) return 'claim_too_long';
  const issuer = typeof claims.iss === 'string' ? claims.iss : '';
  return {
    issuer,
    subject,
    tier: names.tierClaim && text(claimAt(claims, names.tierClaim)),
    scopes: scopesOf(claims),
    headers,
    exp: Number(claims.exp),
    iat: claims.iat,
    jti: typeof claims.jti === 'string' ? claims.jti : undefined,
    partition: subjectPartition(issuer, subject),
  };
};

/**
 * A non-empty string or a safe integer. The number 7 and the string "7" are one subject on purpose: an issuer that
 * changes from one to the other still means the same caller, and a revocation names subjects as text.
 * Lone surrogates are refused, because two such subjects would look alike in a header.
 */
const subjectOf = (value: unknown): string | undefined => {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string' || value.length > MAX_SUBJECT_LENGTH || !value.isWellFormed())
    return undefined;
  return value === '' ? undefined : value;
};

/** The claim of exactly that name (`https://example.com/tier`), else the one that the dotted path leads to. */
const claimAt = (claims: JWTPayload, path: readonly string[]): unknown => {
  const name = path.join('.');
  if (Object.hasOwn(claims, name)) return claims[name];
  return path.reduce<unknown>((value, key) => member(value, key), claims);
};

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

/** `scope` is space-separated (RFC 8693 section 4.2); `scp` is what some issuers use, as a string or an array. */
const scopesOf = ({ scope, scp }: JWTPayload): ReadonlySet<string> => {
  const granted = scope ?? scp;
  if (typeof granted === 'string') return new Set(granted.split(' ').filter((word) => word !== ''));
  return new Set(Array.isArray(granted) ? granted.filter((word) => typeof word === 'string') : []);
};

/** Undefined if a value is too long: cut off, or left out, it could mean more than the issuer granted. */
const claimHeaders = (
  claims: JWTPayload,
  wanted: readonly ClaimHeader[],
): Identity['headers'] | undefined => {
  const headers: [string, string][] = [];
  for (const { claim, header } of wanted) {
    const value = text(claimAt(claims, claim));
    if (value !== undefined) headers.push([header, headerValue(value)]);
  }
  return headers.every(([, value]) => value.length <= MAX_HEADER_LENGTH) ? headers : undefined;
};

/** Strings, numbers and booleans as text, arrays and objects as JSON; undefined for a missing claim and null. */
const text = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

/**
 * Printable ASCII stays as it is. All else is percent-encoded UTF-8, `%` itself too, and spaces at either end, which
 * HTTP would trim: so `decodeURIComponent` gives back exactly the claim.
 */
export const headerValue = (value: string): string =>
  value.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+|^ | $/g, encodeURIComponent);
