// What an operator set for one partition: revocation marks and an override. Pure: the clock is passed in.
import type { Policy } from './policy.ts';

/** Tokens that can be revoked one by one; past that, `before` revokes them together. */
export const MAX_JTIS = 64;

/** Tokens that are refused although they verify. */
export interface Marks {
  /** Milliseconds since the epoch: tokens issued before then, and tokens that do not say when they were. */
  readonly before?: number | undefined;
  readonly jtis: readonly string[];
}

/** What a mark is compared with: a token's own claims. */
export interface TokenClaims {
  readonly jti: string | undefined;
  /** Seconds since the epoch. */
  readonly iat: number | undefined;
}

/** A mark on one token. `until`: when that token has expired, milliseconds since the epoch; Infinity: never. */
export interface TokenMark {
  readonly jti: string;
  readonly until: number;
}

/** A mark on all tokens issued before a time. */
export interface TimeMark {
  /** As an operator said. */
  readonly before: number;
  /** Issued by a clock that is as far ahead as is tolerated, a token of `before` says so. Absent: as `before`. */
  readonly covers?: number;
  readonly until: number;
}

/** Other limits for a while. */
export interface Override {
  /** As given: limits notation, `none` (exempt) or `blocked`. */
  readonly limits: string;
  /** What the notation says; empty for `none` and `blocked`. */
  readonly policies: readonly Policy[];
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  readonly reason: string;
}

export interface Standing {
  readonly before?: TimeMark | undefined;
  readonly jtis: readonly TokenMark[];
  readonly override?: Override | undefined;
}

/** What is in force at `now`; undefined where nothing is. */
export const inForce = (standing: Standing | undefined, now: number): Standing | undefined => {
  if (standing === undefined) return undefined;
  const live = <T extends { readonly until: number }>(part: T | undefined) =>
    part !== undefined && part.until > now ? part : undefined;
  const before = live(standing.before);
  const override = live(standing.override);
  const jtis = standing.jtis.filter((mark) => mark.until > now);
  return before || override || jtis.length > 0 ? { before, override, jtis } : undefined;
};

/** When the last part of it ends; Infinity where a part never does. */
export const endOf = ({ before, override, jtis }: Standing): number =>
  Math.max(...[before, override, ...jtis].map((part) => part?.until ?? 0));

/** The marks as isolates hold them; undefined where there are none. */
export const marksOf = ({ before, jtis }: Standing): Marks | undefined =>
  before || jtis.length > 0
    ? { before: before && coveredBy(before), jtis: jtis.map(({ jti }) => jti) }
    : undefined;

/** Up to when tokens are covered, by the clock that issued them. */
const coveredBy = ({ before, covers = before }: TimeMark): number => covers;

/** `iat` has whole seconds: of the second in which tokens were revoked, all are. */
export const isRevoked = ({ before, jtis }: Marks, { jti, iat }: TokenClaims): boolean =>
  (before !== undefined && (iat === undefined || iat * 1000 < before)) ||
  (jti !== undefined && jtis.includes(jti));

/** With one more mark; undefined when there is no room. The same mark again is no other one. */
export const revoke = (
  standing: Standing | undefined,
  mark: TokenMark | TimeMark,
  now: number,
): Standing | undefined => {
  const known = inForce(standing, now) ?? { jtis: [] };
  if ('before' in mark) return { ...known, before: latest(known.before, mark) };
  const others = known.jtis.filter(({ jti }) => jti !== mark.jti);
  return others.length >= MAX_JTIS ? undefined : { ...known, jtis: [...others, mark] };
};

/** Never loosens: what an earlier mark covers stays covered. */
const latest = (known: TimeMark = { before: 0, until: 0 }, mark: TimeMark): TimeMark => ({
  before: Math.max(known.before, mark.before),
  covers: Math.max(coveredBy(known), coveredBy(mark)),
  until: Math.max(known.until, mark.until),
});

/**
 * The policies that apply instead of `policies`. Those that a route or `IP_LIMITS` added stay beside other limits.
 * @param own whether the partition's own policies apply to the request, though there may be none. Absent: told by `policies`.
 */
export const overridden = (
  override: Override,
  policies: readonly Policy[],
  own = policies.some(isOwn),
): readonly Policy[] => {
  if (override.limits === 'none') return [];
  return own ? inPlaceOfOwn(override, policies) : policies;
};

/** The policies to look at: other limits even where nothing was spent yet. */
export const shown = (override: Override | undefined, known: readonly Policy[]): readonly Policy[] =>
  override === undefined || override.policies.length === 0 ? known : inPlaceOfOwn(override, known);

const inPlaceOfOwn = (override: Override, policies: readonly Policy[]): readonly Policy[] => [
  ...override.policies,
  ...policies.filter((policy) => !isOwn(policy)),
];

const isOwn = ({ own, counter }: Policy): boolean => own ?? /^(.*\/)?(default|anonymous):/.test(counter);
