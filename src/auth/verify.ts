// A token -> who sent it, by jose and the keys of the issuer that the token names.
import { decodeJwt, decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { familyOf } from '../config/issuer.ts';
import { isTemplate } from '../config/issuer-name.ts';
import { ALGORITHMS, type Family } from '../config/settings.ts';
import { tiersOf } from '../config/tiers.ts';
import type { Config, Issuer, KeySource, TokenConfig } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { type ClaimNames, identityOf, meets } from './claims.ts';
import { decoyToken } from './decoy.ts';
import { BAD_SIGNATURE, type Refused, refused, refusedFor } from './flaws.ts';
import { issuerName, mayKeySign } from './issuers.ts';
import { keysOf } from './keys/keys.ts';
import { candidates, type KeySet, type VerificationKey } from './keys/set.ts';
import type { Background, Keys, SourceState } from './keys/types.ts';

export interface Verified {
  readonly kind: 'verified';
  readonly identity: Identity;
  readonly key: VerificationKey;
  /** When the token will be expired or too old, tolerance included; milliseconds since the epoch. */
  readonly goodUntil: number;
}

interface NoKeys {
  readonly kind: 'no_keys';
  readonly retryAfterMs: number;
}

/** The address sends more than it may have verified. */
interface Gated {
  readonly kind: 'gated';
}

/**
 * Runs crypto when its turn comes; undefined if it never comes. Waiting for keys takes up no turn.
 *
 * @param known the result of the work where it is known beforehand: scarce turns are not spent on it.
 */
type Turn = <T>(work: () => Promise<T>, known?: T) => Promise<T | undefined>;

export type Verdict = Verified | Refused | NoKeys | Gated;

export interface Verifier {
  verify(token: string, background: Background, turn: Turn): Promise<Verdict>;
  /** A token to verify in vain, by the key of the latest verification; undefined if there was none yet. */
  decoy(): string | undefined;
  /** The crypto of the latest verification once more, in vain, for a token that none was done for. */
  verifyDecoy(): Promise<void>;
  /** The state of every key source, loaded first if need be. */
  keyStates(background: Background): Promise<readonly SourceState[]>;
}

/** An issuer of the configuration, with what does not change from token to token. */
interface Party {
  readonly issuer: Issuer;
  readonly keys: ReadonlyMap<Family, Keys>;
  readonly demands: Demands;
  readonly names: ClaimNames;
}

/** What jose checks of a token beside its signature. */
type Demands = Pick<JWTVerifyOptions, 'audience' | 'typ' | 'maxTokenAge' | 'requiredClaims'> & {
  readonly clockTolerance: number;
  readonly maxTokenAge?: number;
};

/** What the latest verification used, and a token to do it again in vain. */
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

/** Finds the keys of one family of an issuer's algorithms. */
export type KeysOf = (sources: readonly KeySource[], algorithms: readonly string[]) => Keys;

/**
 * Makes the verifier of a configuration. A token chooses nothing but the key, and only among those of the issuers
 * configured.
 * @param keysFrom where keys come from; every other check is the same for all sources.
 */
export const verifier = (config: Config, keysFrom: KeysOf = keysOf): Verifier => {
  const { tokens, claimHeaders } = config;
  const names: ClaimNames = { ...tokens, tiers: tiersOf(config), headers: claimHeaders };
  const parties = tokens.issuers.map((issuer) => partyOf(issuer, tokens, names, keysFrom));
  let latest: Latest | undefined;
  return {
    async verify(token, background, turn) {
      const decoded = decode(token);
      if (!decoded) return refused('token_malformed');
      const { alg, kid, claims } = decoded;
      const party = parties.find(({ issuer }) => issuerName(issuer, claims) !== undefined);
      if (!party) return refused('issuer_unknown');
      const keys = party.issuer.algorithms.includes(alg) ? party.keys.get(familyOfAlgorithm(alg)) : undefined;
      if (!keys) return refused('alg_not_allowed');
      const isTenanted = isTemplate(party.issuer.issuer ?? '');
      return verifyWith(keys, background, async (set) => {
        const fitting = candidates(set, alg, kid, (key) => !isTenanted || mayKeySign(key.issuer, claims));
        const [key] = fitting;
        if (key && key !== latest?.key) latest = latestOf(party, key, claims);
        if (fitting.length === 0) return keyUnknown();
        const known = isExpired(party, decoded) ? refused('token_expired') : undefined;
        return (
          (await turn<Verified | Refused>(() => tryEach(party, decoded, fitting), known)) ?? { kind: 'gated' }
        );
      });
    },
    decoy: () => (latest?.key.trusted ? latest.decoy.token : undefined),
    async verifyDecoy() {
      if (latest) await tryKey(latest.party, latest.decoy, latest.key);
    },
    async keyStates(background) {
      const all = parties.flatMap(({ keys }) => [...keys.values()]);
      await Promise.all(all.map((keys) => keys.current(background)));
      return all.flatMap((keys) => keys.states());
    },
  };
};

const familyOfAlgorithm = (alg: string): Family =>
  ALGORITHMS.secret.known.includes(alg) ? 'secret' : 'public';

/** The decoy names its issuer as the token did, so that the same issuer is found for it. */
const latestOf = (party: Party, key: VerificationKey, { iss, tid }: JWTPayload): Latest | undefined => {
  const { issuer = '' } = party.issuer;
  const decoy = decode(
    decoyToken(key, issuer === '' ? undefined : iss, isTemplate(issuer) ? tid : undefined),
  );
  return decoy && { party, key, decoy };
};

const partyOf = (issuer: Issuer, tokens: TokenConfig, names: ClaimNames, keysFrom: KeysOf): Party => ({
  issuer,
  keys: keysByFamily(issuer, keysFrom),
  demands: demandsOf(issuer, tokens),
  names,
});

const keysByFamily = ({ keys, algorithms }: Issuer, keysFrom: KeysOf): ReadonlyMap<Family, Keys> => {
  const families = [...new Set(keys.map(familyOf))];
  return new Map(
    families.map((family) => {
      const sources = keys.filter((source) => familyOf(source) === family);
      const own = algorithms.filter((algorithm) => familyOfAlgorithm(algorithm) === family);
      return [family, keysFrom(sources, own)];
    }),
  );
};

/** Leaves out what is unset: jose takes a member that is present, even as undefined, for a requirement. */
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

/** Tries the keys at hand and, where a new key could help, newer ones. */
const verifyWith = async (
  keys: Keys,
  background: Background,
  tryKeys: (set: KeySet) => Promise<Verified | Refused | Gated>,
): Promise<Verdict> => {
  const set = await keys.current(background);
  if (!set) return noKeys(keys);
  const outcome = await tryKeys(set);
  if (!keys.newer || outcome.kind !== 'refused' || !outcome.newKeyHelps) return outcome;
  const newer = await keys.newer(background, set);
  if (newer !== set) return tryKeys(newer);
  return keys.isPartial?.() ? noKeys(keys) : { ...outcome, forGood: false };
};

const noKeys = (keys: Keys): NoKeys => ({ kind: 'no_keys', retryAfterMs: keys.retryAfterMs(Date.now()) });

const keyUnknown = (): Refused => ({ ...refused('key_unknown', false), newKeyHelps: true });

/** Whether the token has expired, so that no signature could make it good. */
const isExpired = ({ demands }: Party, { claims: { exp } }: Decoded): boolean =>
  typeof exp === 'number' && exp + demands.clockTolerance <= Math.floor(Date.now() / 1000);

const tryEach = async (party: Party, decoded: Decoded, keys: KeySet) => {
  let outcome: Verified | Refused = keyUnknown();
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
  if (!meets(claims, party.issuer.claims)) return refused('claim_required');
  const identity = identityOf(claims, issuerName(party.issuer, claims) ?? '', party.names);
  if (typeof identity === 'string') return refused(identity);
  return { kind: 'verified', identity, key, goodUntil: goodUntil(claims, party.demands) * 1000 };
};

/** Undefined for a token that this key has signed and whose registered claims are as required. */
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
  // Without a maximum age, jose accepts an `iat` in the future: such a token would outlive a revocation by time.
  const isIssued = claims.iat === undefined || claims.iat <= now + demands.clockTolerance;
  return isIssued ? undefined : refused('claim_iat', false);
};

/**
 * The first second, since the epoch, at which jose would refuse a token that it accepts now: it counts in whole seconds,
 * and a token may still be used at the very second at which it reaches the oldest age, but not at that of its `exp`.
 */
const goodUntil = ({ exp = 0, iat = 0 }: JWTPayload, { clockTolerance, maxTokenAge }: Demands): number => {
  const expired = Math.ceil(exp + clockTolerance);
  if (maxTokenAge === undefined) return expired;
  return Math.min(expired, Math.floor(iat + maxTokenAge + clockTolerance) + 1);
};
