// A token -> who sent it, by jose and the keys of the issuer that the token names.
import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { JWSSignatureVerificationFailed } from 'jose/errors';
import type { Config, Issuer, TokenConfig } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { type ClaimNames, identityOf } from './claims.ts';
import { decoyToken } from './decoy.ts';
import { type Background, type Keys, keysOf } from './keys/remote.ts';
import { candidates, type KeySet, type VerificationKey } from './keys/set.ts';
import { type Demands, goodUntil } from './registered-claims.ts';

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
  readonly typ: unknown;
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
  demands: {
    audience: issuer.audience,
    typ: issuer.typ,
    toleranceSeconds: tokens.clockToleranceSeconds,
    maxAgeSeconds: tokens.maxAgeSeconds,
  },
  names,
});

/**
 * `jku`, `x5u`, `x5c` and `jwk` are never looked at (RFC 8725 section 3.10); `crit` asks for extensions, and we know
 * none (RFC 7515 section 4.1.11).
 */
const decode = (token: string): Decoded | undefined => {
  try {
    const { alg, kid, crit, typ } = decodeProtectedHeader(token);
    const named = kid === undefined || typeof kid === 'string';
    return typeof alg === 'string' && named && crit === undefined
      ? { token, alg, kid, typ, claims: decodeJwt(token) }
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
  const { token, typ, claims } = decoded;
  try {
    await compactVerify(token, key.key, { algorithms: [key.alg] });
  } catch (error) {
    return refused(error instanceof JWSSignatureVerificationFailed ? BAD_SIGNATURE : 'token_malformed');
  }
  const end = goodUntil(typ, claims, party.demands, Date.now() / 1000);
  if (typeof end === 'string') return refused(end, !CURED_BY_TIME.has(end));
  const identity = identityOf(claims, party.names);
  if (typeof identity === 'string') return refused(identity);
  return { kind: 'verified', identity, key, goodUntil: end * 1000 };
};

const BAD_SIGNATURE = 'signature_invalid';
const CURED_BY_TIME = new Set(['claim_nbf', 'claim_iat']);

export const refused = (reason: string, forGood = true): Refused => ({
  kind: 'refused',
  reason,
  forGood,
  work: 'decoded',
});
