// Verified claims -> Identity. Pure.
import type { JWTPayload } from 'jose';
import type { ClaimHeader, ClaimPath, RequiredClaim } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { isScalar } from '../lib/json.ts';
import { subjectPartition } from '../partition.ts';
import type { Reason } from './reasons.ts';

/**
 * Longest subject, in UTF-16 units. OpenID Connect Core section 2 allows 255 ASCII characters; those of workloads (GitHub
 * Actions, Kubernetes) hold names of several hundred.
 */
export const MAX_SUBJECT_LENGTH = 1_024;
/** Longest value of a claim header, in bytes: what common servers accept in one line. */
const MAX_HEADER_LENGTH = 8_192;

export interface ClaimNames {
  readonly subjectClaims: readonly ClaimPath[];
  readonly scopeClaims: readonly ClaimPath[];
  readonly tierClaim: ClaimPath | undefined;
  /** Names of `TIERS`, in their order. */
  readonly tiers: readonly string[];
  readonly headers: readonly ClaimHeader[];
  /** Dotted paths of the claims that limits count by. */
  readonly keyClaims: readonly string[];
}

/**
 * The identity, or the reason why these claims make none.
 * @param issuer the issuer's name, whichever of its spellings the token has.
 */
export const identityOf = (claims: JWTPayload, issuer: string, names: ClaimNames): Identity | Reason => {
  const given = firstOf(claims, names.subjectClaims);
  if (typeof given === 'string' && given.length > MAX_SUBJECT_LENGTH) return 'subject_too_long';
  const subject = subjectOf(given);
  if (subject === undefined) return 'subject_unusable';
  const headers = claimHeaders(claims, names.headers);
  if (!headers) return 'claim_too_long';
  return {
    issuer,
    subject,
    tier: names.tierClaim && tierOf(claimAt(claims, names.tierClaim), names.tiers),
    scopes: scopesOf(firstOf(claims, names.scopeClaims)),
    headers,
    exp: Number(claims.exp),
    iat: claims.iat,
    jti: typeof claims.jti === 'string' ? claims.jti : undefined,
    keyValues: keyValuesOf(claims, names.keyClaims),
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
  return typeof value === 'string' && value !== '' && value.isWellFormed() ? value : undefined;
};

/** Whether a token has each required claim, as one of its values or as an array that holds one. */
export const meets = (claims: JWTPayload, required: readonly RequiredClaim[]): boolean =>
  required.every(({ claim, values }) =>
    [claimAt(claims, claim)].flat().some((value) => isScalar(value) && values.includes(String(value))),
  );

/** The first of these claims that is present and not empty. */
const firstOf = (claims: JWTPayload, paths: readonly ClaimPath[]): unknown =>
  paths.map((path) => claimAt(claims, path)).find((value) => !isEmpty(value));

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/**
 * The claim that a dotted path leads to. A name may itself have dots (`https://example.com/tier`), so every split of the
 * path is tried, the longest name first: in `a.b.c` first the claim of that name, then `c` in `a.b`, then what `a` holds.
 */
const claimAt = (value: unknown, path: ClaimPath): unknown => {
  if (path.length === 0) return value;
  for (let end = path.length; end > 0; end -= 1) {
    const inside = member(value, path.slice(0, end).join('.'));
    const found = inside === undefined ? undefined : claimAt(inside, path.slice(end));
    if (found !== undefined) return found;
  }
  return undefined;
};

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

/** The caller's tier: of an array the first of `TIERS` that it holds, else the claim as text. */
const tierOf = (value: unknown, tiers: readonly string[]): string | undefined =>
  Array.isArray(value) ? tiers.find((tier) => value.includes(tier)) : text(value);

/** Text is space-separated (RFC 8693 section 4.2). */
const scopesOf = (granted: unknown): ReadonlySet<string> => {
  if (typeof granted === 'string') return new Set(granted.split(' ').filter((word) => word !== ''));
  return new Set(Array.isArray(granted) ? granted.filter((word) => typeof word === 'string') : []);
};

/**
 * The values that limits count by. One that cannot name anybody (an object, a text longer than a subject may be) counts as
 * missing.
 */
export const keyValuesOf = (
  claims: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
): Identity['keyValues'] => {
  if (wanted.length === 0) return undefined;
  return new Map(
    wanted.flatMap((claim) => {
      const value = subjectOf(claimAt(claims, claim.split('.')));
      return value === undefined || value.length > MAX_SUBJECT_LENGTH ? [] : [[claim, value] as const];
    }),
  );
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
