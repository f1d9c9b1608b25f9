// What is wrong with a token, and what follows from it. Pure.
import { JWSSignatureVerificationFailed, JWTClaimValidationFailed, JWTExpired } from 'jose/errors';
import type { Reason } from './reasons.ts';

/** A token that is not accepted. */
export interface Refused {
  readonly kind: 'refused';
  /** For the log, never for the client. */
  readonly reason: Reason;
  /** Whether neither time nor a new key can make this token good. */
  readonly forGood: boolean;
  /** The work it took to find out. A stopwatch must not tell, so the rest of the work is done in vain. */
  readonly work: Work;
  /** Whether a key that we do not have yet may be the right one. */
  readonly newKeyHelps?: boolean;
}

/** How far a token was looked into. */
export type Work = 'none' | 'decoded' | 'verified';

/** @param forGood whether neither time nor a new key can make it good. */
export const refused = (reason: Reason, forGood = true): Refused => ({
  kind: 'refused',
  reason,
  forGood,
  work: 'decoded',
});

/** Another key may still be the right one. */
export const BAD_SIGNATURE = 'signature_invalid';

/** What jose refuses a token for, by the classes and members of its errors: messages may change. */
export const refusedFor = (error: unknown): Refused => {
  if (error instanceof JWSSignatureVerificationFailed) return refused(BAD_SIGNATURE);
  if (error instanceof JWTExpired) return refused('token_expired');
  if (!(error instanceof JWTClaimValidationFailed)) return refused('token_malformed');
  const { claim, reason } = error;
  if (!isChecked(claim)) return refused('token_malformed');
  return refused(`claim_${claim}`, !(reason === 'check_failed' && CURED_BY_TIME.has(claim)));
};

const CHECKED = ['typ', 'aud', 'exp', 'nbf', 'iat'] as const;
const isChecked = (claim: string): claim is (typeof CHECKED)[number] =>
  CHECKED.some((each) => each === claim);

const CURED_BY_TIME: ReadonlySet<string> = new Set(['nbf', 'iat']);
