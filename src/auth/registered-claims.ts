// What a token must say of itself: its `typ`, and the claims that RFC 7519 section 4.1 registers. Pure: the time is passed
// in. jose has verified the token before; its own check of claims would bring durations in words and builders of tokens,
// a kilobyte that a verifier has no use for.
import type { JWTPayload } from 'jose';

export interface Demands {
  /** Accepted `aud` values; empty: any, or none. */
  readonly audience: readonly string[];
  /** A media type, its `application/` optional (RFC 7515 section 4.1.9); undefined: any, or none. */
  readonly typ: string | undefined;
  /** How far clocks may differ. */
  readonly toleranceSeconds: number;
  /** Oldest accepted `iat`; undefined: any, or none. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * From when on the token is expired or too old, tolerance included; or the reason why it is no good at `now`. Both in
 * seconds since the epoch. `exp` is required, and an `iat` to come is refused: it would outlive a revocation by time.
 */
export const goodUntil = (
  typ: unknown,
  { aud, exp, nbf, iat }: JWTPayload,
  demands: Demands,
  now: number,
): number | string => {
  const { audience, toleranceSeconds, maxAgeSeconds } = demands;
  const latest = now + toleranceSeconds;
  if (demands.typ !== undefined && mediaType(typ) !== mediaType(demands.typ)) return 'claim_typ';
  if (audience.length > 0 && ![aud ?? []].flat().some((each) => audience.includes(each))) return 'claim_aud';
  if (typeof exp !== 'number') return 'claim_exp';
  if (nbf !== undefined && !isBy(nbf, latest)) return 'claim_nbf';
  if (iat === undefined ? maxAgeSeconds !== undefined : !isBy(iat, latest)) return 'claim_iat';
  const tooOld = iat === undefined || maxAgeSeconds === undefined ? exp : iat + maxAgeSeconds;
  const end = Math.min(exp, tooOld) + toleranceSeconds;
  return now < end ? end : 'token_expired';
};

const mediaType = (typ: unknown): string | undefined =>
  typeof typ === 'string' ? typ.toLowerCase().replace(/^(?!.*\/)/, 'application/') : undefined;

/** A NumericDate (RFC 7519 section 2), not after `latest`. */
const isBy = (date: unknown, latest: number): boolean => typeof date === 'number' && date <= latest;
