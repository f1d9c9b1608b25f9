// A token -> who sent it, by jose and the keys of the issuer that the token names.
import { decodeJwt, decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { JWSSignatureVerificationFailed, JWTClaimValidationFailed, JWTExpired } from 'jose/errors';
import type { Config, Issuer, TokenConfig } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { type ClaimNames, identityOf } from './claims.ts';
import { decoyToken } from './decoy.ts';
import { type Background, type Keys, keysOf } from './keys/remote.ts';
import { candidates, type KeySet, type VerificationKey } from './keys/set.ts';

export interface Verified {
  readonly kind: 'verified';
  readonly identity: Identity;
  readonly key: VerificationKey;
  /** Milliseconds since the epoch from which on the token is expired or too old, tolerance included. */
  readonly goodUntil: number;
}

export interface Refused {
  readonly kind: 'refused';
  /** For the log, never for the client. */
  readonly reason: string;
  /** Whether neither time nor a new key can make this token good. */
  readonly forGood: boolean;
  /** What was done to find out; a stopwatch must not tell, so the rest is done in vain. */
  readonly work: Work;
  /** Whether a key that we do not have yet may be the right one. */
  readonly newKeyHelps?: boolean;
}

export type Work = 'none' | 'decoded' | 'verified';

export interface NoKeys {
  readonly kind: 'no_keys';
  readonly retryAfterMs: number;
}

/** The address sends more than it may have verified. */
export interface Gated {
  readonly kind: 'gated';
}

/** Runs crypto when it is its turn; undefined if it never came. Waiting for keys takes nobody's turn. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T | undefined>;

export type Verdict = Verified | Refused | NoKeys | Gated;

export interface Verifier {
  verify(token: string, background: Background, turn: Turn): Promise<Verdict>;
  /** A token to verify in vain, by the key of the latest verification; undefined if there was none yet. */
  decoy(): string | undefined;
  /** The crypto of the latest verification once more, in vain, for a token that none was done for. */
  verifyDecoy(): Promise<void>;
}

/** An issuer of the configuration, with what does not change from token to token. */
interface Party {
  readonly name: string | undefined;
  readonly algorithms: readonly string[];
  readonly keys: Keys;
  readonly demands: Demands;
  readonly names: ClaimNames;
}

/** What jose checks of a token beside its signature. */
type Demands = Pick<JWTVerifyOptions, 'audience' | 'typ' | 'maxTokenAge' | 'requiredClaims'> & {
  readonly clockTolerance: number;
  readonly maxTokenAge?: number;
};

/** What was verified with last, and a token to do so in vain. */
interface Latest {
  readonly party: Party;
  readonly key: VerificationKey;
  readonly decoy: Decoded;
}

/** A token taken apart, not yet verified. */
interface Decoded {
  readonly token: string;
  readonly alg: string;
  readonly kid: string | undefined;
  readonly claims: JWTPayload;
}

/** Nothing but the key is chosen by what a token says, and that only among the keys of the issuers configured. */
export const verifier = ({ tokens, claimHeaders }: Config): Verifier => {
  const names: ClaimNames = { ...tokens, headers: claimHeaders };
  const parties = tokens.issuers.map((issuer) => partyOf(issuer, tokens, names));
  let latest: Latest | undefined;
  return {
    async verify(token, background, turn) {
      const decoded = decode(token);
      if (!decoded) return refused('token_malformed');
      const party = parties.find(({ name }) => name === undefined || name === decoded.claims.iss);
      if (!party) return refused('issuer_unknown');
      if (!party.algorithms.includes(decoded.alg)) return refused('alg_not_allowed');
      return verifyWith(party.keys, background, async (set) => {
        const keys = candidates(set, decoded.alg, decoded.kid);
        const [key] = keys;
        if (key && key !== latest?.key) latest = latestOf(party, key);
        return (await turn(() => tryEach(party, decoded, keys))) ?? { kind: 'gated' };
      });
    },
    decoy: () => (latest?.key.trusted ? latest.decoy.token : undefined),
    async verifyDecoy() {
      if (latest) await tryKey(latest.party, latest.decoy, latest.key);
    },
  };
};

const latestOf = (party: Party, key: VerificationKey): Latest | undefined => {
  const decoy = decode(decoyToken(key, party.name));
  return decoy && { party, key, decoy };
};

const partyOf = (issuer: Issuer, tokens: TokenConfig, names: ClaimNames): Party => ({
  name: issuer.issuer,
  algorithms: issuer.algorithms,
  keys: keysOf(issuer),
  demands: demandsOf(issuer, tokens),
  names,
});

/** A member that is there counts for jose, even if undefined. */
const demandsOf = (
  { audience, typ }: Issuer,
  { clockToleranceSeconds, maxAgeSeconds }: TokenConfig,
): Demands => ({
  requiredClaims: ['exp'],
  clockTolerance: clockToleranceSeconds,
  ...(audience.length > 0 && { audience: [...audience] }),
  ...(typ !== undefined && { typ }),
  ...(maxAgeSeconds !== undefined && { maxTokenAge: maxAgeSeconds }),
});

/**
 * `jku`, `x5u`, `x5c` and `jwk` are never looked at (RFC 8725 section 3.10); `crit` asks for extensions, and we know
 * none (RFC 7515 section 4.1.11).
 */
const decode = (token: string): Decoded | undefined => {
  try {
    const { alg, kid, crit } = decodeProtectedHeader(token);
    const named = kid === undefined || typeof kid === 'string';
    return typeof alg === 'string' && named && crit === undefined
      ? { token, alg, kid, claims: decodeJwt(token) }
      : undefined;
  } catch {
    return undefined;
  }
};

/** Once with the keys at hand, and where a new key could help, once more with newer ones. */
const verifyWith = async (
  keys: Keys,
  background: Background,
  tryKeys: (set: KeySet) => Promise<Verified | Refused | Gated>,
): Promise<Verdict> => {
  const set = await keys.current(background);
  if (!set) return { kind: 'no_keys', retryAfterMs: keys.retryAfterMs(Date.now()) };
  const outcome = await tryKeys(set);
  if (!keys.newer || outcome.kind !== 'refused' || !outcome.newKeyHelps) return outcome;
  const newer = await keys.newer(background, set);
  return newer === set ? { ...outcome, forGood: false } : tryKeys(newer);
};

const tryEach = async (party: Party, decoded: Decoded, keys: KeySet) => {
  let outcome: Verified | Refused = { ...refused('key_unknown', false), newKeyHelps: true };
  for (const key of keys) {
    outcome = await tryKey(party, decoded, key);
    if (outcome.kind === 'verified') return outcome;
    outcome = { ...outcome, work: 'verified' };
    if (outcome.reason !== BAD_SIGNATURE) return outcome;
    outcome = { ...outcome, newKeyHelps: decoded.kid === undefined };
  }
  return outcome;
};

const tryKey = async (party: Party, decoded: Decoded, key: VerificationKey): Promise<Verified | Refused> => {
  const { claims } = decoded;
  const refusal = await refusalOf(decoded, key, party.demands);
  if (refusal) return refusal;
  const identity = identityOf(claims, party.names);
  if (typeof identity === 'string') return refused(identity);
  return { kind: 'verified', identity, key, goodUntil: goodUntil(claims, party.demands) * 1000 };
};

/** Undefined for a token that this key has signed and whose registered claims are as demanded. */
const refusalOf = async (
  { token, claims }: Decoded,
  { alg, key }: VerificationKey,
  demands: Demands,
): Promise<Refused | undefined> => {
  const now = Math.floor(Date.now() / 1000);
  try {
    await jwtVerify(token, key, { ...demands, algorithms: [alg], currentDate: new Date(now * 1000) });
  } catch (error) {
    return refusedFor(error);
  }
  // Where no age is asked for, jose takes an `iat` in the future: it would outlive a revocation by time.
  const isIssued = claims.iat === undefined || claims.iat <= now + demands.clockTolerance;
  return isIssued ? undefined : refused('claim_iat', false);
};

const BAD_SIGNATURE = 'signature_invalid';

/** By jose's classes and their members: messages may change. */
const refusedFor = (error: unknown): Refused => {
  if (error instanceof JWSSignatureVerificationFailed) return refused(BAD_SIGNATURE);
  if (error instanceof JWTExpired) return refused('token_expired');
  if (!(error instanceof JWTClaimValidationFailed)) return refused('token_malformed');
  const { claim, reason } = error;
  return refused(`claim_${claim}`, !(reason === 'check_failed' && CURED_BY_TIME.has(claim)));
};

const CURED_BY_TIME = new Set(['nbf', 'iat']);

/**
 * The first second, since the epoch, at which jose would refuse a token that it accepts now: it counts in whole seconds,
 * and a token may still be used at the very second at which it reaches the oldest age, but not at that of its `exp`.
 */
const goodUntil = ({ exp = 0, iat = 0 }: JWTPayload, { clockTolerance, maxTokenAge }: Demands): number => {
  const expired = Math.ceil(exp + clockTolerance);
  if (maxTokenAge === undefined) return expired;
  return Math.min(expired, Math.floor(iat + maxTokenAge + clockTolerance) + 1);
};

export const refused = (reason: string, forGood = true): Refused => ({
  kind: 'refused',
  reason,
  forGood,
  work: 'decoded',
});
