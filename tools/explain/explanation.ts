// Why a request is decided as it is: its route, caller, partitions and policies, by the Worker's own code. No request is made.
import { admitsAnonymous, missingScopes } from '../../src/auth/admission.ts';
import type { Reason } from '../../src/auth/reasons.ts';
import { tokenReader } from '../../src/auth/sources.ts';
import { SCOPES } from '../../src/config/scopes.ts';
import type { Config, Mode, Route } from '../../src/config/types.ts';
import type { Identity } from '../../src/identity.ts';
import type { Policy, SlotPolicy } from '../../src/limiter/policy.ts';
import { isExempt, type Key, type Facts as KeyFacts, limiterName, partitionOf } from '../../src/partition.ts';
import type { Caller, Charge, Plan, SlotPlan } from '../../src/quota/charge.ts';
import { chargesOf, missingClaims } from '../../src/quota/plan.ts';
import { membersOf } from '../../src/quota/real-cost.ts';
import { paramsOf } from '../../src/routing/params.ts';
import { explainRoute, routeOf } from '../../src/routing/route-of.ts';
import { sentPath } from '../../src/routing/sent-path.ts';
import { adviceOn, type Refused } from './fixes.ts';
import { type Judged, judge } from './judge.ts';
import { type Question, requestOf } from './request.ts';

export interface Explanation {
  readonly route: Pick<Route, 'name' | 'auth' | 'mode' | 'scopes'>;
  /** Ways to read the path, and the routes that each leads to. */
  readonly readings: readonly { readonly path: string; readonly routes: readonly string[] }[];
  readonly caller: Caller;
  readonly subject: string | undefined;
  readonly issuer: string | undefined;
  readonly tier: string | undefined;
  /** Of a token that is accepted: `assumed` where the issuer's keys were not fetched. */
  readonly signature: Judged['signature'] | undefined;
  /** What the request gets before any limit is asked, and why; undefined: it is let through to the limits. */
  readonly refusal: Refusal | undefined;
  /** Sentences that say why; overrides and revocations, which only a Limiter knows, are not looked at. */
  readonly reasons: readonly string[];
  /** Whom it would spend permits of; nobody where the caller is not known. */
  readonly partitions: readonly ExplainedPartition[];
}

/** Why a request is refused, or under `AUTH_MODE=shadow` would be. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 503;
  /** As the log has it. */
  readonly reason: Reason | 'path_ambiguous';
  readonly why: string;
  /** What to do about it. */
  readonly fix: string;
}

/** What names the partitions of the request. */
interface Facts extends KeyFacts {
  readonly identity: Identity | undefined;
  readonly tier: string | undefined;
}

const factsOf = (config: Config, identity: Identity | undefined, { address, url }: Question): Facts => ({
  identity,
  address,
  tier: identity?.tier,
  ipv6Prefix: config.ipv6Prefix,
  param: (key) => paramsOf(key, sentPath(url))[key.name] ?? '',
});

export interface ExplainedPartition {
  readonly kind: Plan['kind'];
  /** Whose counters these are. */
  readonly of: string;
  /** Name of its Limiter object. */
  readonly limiter: string;
  readonly cost: number;
  /** `shadow`: it is decided and reported, and refuses nobody. */
  readonly mode: Mode;
  readonly policies: readonly ExplainedPolicy[];
}

/** Over a window, or of requests in flight. */
export type ExplainedPolicy = (Policy | SlotPolicy) & {
  /** The var, tier or route that set it. */
  readonly setBy: string;
};

/** Explains what a request would meet. @throws {UsageError} for a method or URL that is not valid. */
export const explain = async (config: Config, question: Question): Promise<Explanation> => {
  const request = requestOf(question, config);
  const found = routeOf(config)(request);
  const route = found ?? config.defaultRoute;
  const isAsked = found !== undefined && route.auth !== 'none' && !question.preflight;
  const token = isAsked ? tokenReader(config.tokens, config.corsOrigins)(request) : undefined;
  const judged = token === undefined ? undefined : await judge(config, token, question.live ?? false);
  const identity = judged?.identity;
  const refusal =
    found === undefined ? AMBIGUOUS : isAsked ? refusalOf(config, route, token, judged) : undefined;
  const caller = callerOf(config, question, identity, refusal);
  // Without a known caller, nobody's counters can be named.
  const nobody = refusal !== undefined && caller === 'anonymous';
  const missing = missingClaims(identity, config.tokens.keyClaims);
  const exempt = isExempt(question.address, config.exemptAddresses);
  const plans = nobody ? [] : plansOf(chargesOf(config)(route, caller, identity?.tier, missing, exempt));
  const facts = factsOf(config, identity, question);
  return {
    route,
    readings: readingsOf(config, question),
    caller,
    subject: identity?.subject,
    issuer: identity?.issuer,
    tier: identity?.tier,
    signature: identity && judged?.signature,
    refusal,
    reasons: [
      ...routeReasons(config, route, question),
      ...callerReasons(config, route, question, identity),
      ...shadowReasons(config, refusal),
      ...costReasons(route),
    ],
    partitions: await Promise.all(plans.map((plan) => explainPartition(config, plan, facts))),
  };
};

const AMBIGUOUS: Refusal = {
  status: 400,
  reason: 'path_ambiguous',
  why: 'its path can be read in more ways than Weir follows',
  fix: 'Send the path in its canonical form: no escaped slashes, no `;`, no doubled slashes.',
};

const refusalOf = (
  config: Config,
  route: Route,
  token: string | undefined,
  judged: Judged | undefined,
): Explanation['refusal'] => {
  const missing = judged?.identity ? missingScopes(judged.identity, route) : [];
  const refused = { config, route, token, missing };
  if (judged === undefined)
    return admitsAnonymous(route) ? undefined : refusedFor('token_missing', refused, '');
  if (judged.reason !== undefined) return refusedFor(judged.reason, refused, 'the token is not accepted: ');
  return missing.length > 0 ? refusedFor('scope_missing', refused, '') : undefined;
};

const refusedFor = (reason: Reason, refused: Refused, introduction: string): Explanation['refusal'] => {
  const { why, fix } = adviceOn(reason, refused);
  return { status: STATUS[reason] ?? 401, reason, why: introduction + why, fix };
};

const STATUS: Readonly<Partial<Record<Reason, 403 | 503>>> = { scope_missing: 403, keys_unavailable: 503 };

const callerOf = (
  { tokens }: Config,
  { preflight }: Question,
  identity: Identity | undefined,
  refusal: Explanation['refusal'],
): Caller => {
  if (preflight) return 'preflight';
  if (identity) return 'subject';
  return refusal && tokens.mode === 'shadow' ? 'unidentified' : 'anonymous';
};

const shadowReasons = ({ tokens }: Config, refusal: Explanation['refusal']): readonly string[] =>
  refusal && tokens.mode === 'shadow'
    ? [
        'AUTH_MODE is shadow: the request goes on all the same, and the log says that it would have been refused.',
      ]
    : [];

const readingsOf = (config: Config, question: Question): Explanation['readings'] =>
  (explainRoute(config, question) ?? []).map(({ path, routes }) => ({
    path,
    routes: routes.map(({ name }) => name),
  }));

const routeReasons = (config: Config, route: Route, question: Question): readonly string[] => {
  const index = config.routes.indexOf(route);
  if (readingsOf(config, question).length > 1)
    return [
      'An origin may read this path in several ways; the request meets the demands of every route they lead to.',
    ];
  return index < 0
    ? ['No entry of ROUTES matches, so the defaults hold.']
    : [`ROUTES[${index}] is the first that matches: ${methodsOf(route)} ${route.match}`];
};

const methodsOf = ({ methods }: Route): string => (methods ? [...methods].join(', ') : 'any method,');

const callerReasons = (
  config: Config,
  route: Route,
  question: Question,
  identity: Identity | undefined,
): readonly string[] => {
  if (question.preflight) return ['A CORS preflight needs no token and goes on without a body.'];
  if (route.auth === 'none') return ['The route ignores tokens: every caller is anonymous.'];
  return identity === undefined ? [] : [tierReason(config, route, identity)];
};

/** What the answer says of the cost. */
const costReasons = (route: Route): readonly string[] =>
  membersOf(route).flatMap(({ name, count, costHeader }) => [
    ...(count === undefined
      ? []
      : [`On ${name} answers of ${count.join(', ')} spend; others give the permits back.`]),
    ...(costHeader === undefined
      ? []
      : [`On ${name} the answer’s ${costHeader} tells the real cost: less comes back, more is a debt.`]),
  ]);

const tierReason = ({ tokens, policies }: Config, route: Route, { tier }: Identity): string => {
  const claim = tokens.tierClaim?.join('.');
  if (claim === undefined) return 'No TIER_CLAIM is set, so the limits are those of LIMITS.';
  if (tier === undefined) return `The token has no claim ${claim}, so the limits are those of LIMITS.`;
  if (policies.tiers.has(tier))
    return `The claim ${claim} names the tier ${tier}, whose limits replace LIMITS.`;
  return membersOf(route).some(({ tierLimits }) => tierLimits.has(tier))
    ? `The claim ${claim} names the tier ${tier}, for which the route has limits; TIERS has no entry of that name.`
    : `TIERS has no entry ${tier}, which the claim ${claim} names, so the limits are those of LIMITS.`;
};

/** A request takes one slot, whatever it costs. */
const plansOf = ({ plans, slots }: Charge): readonly ExplainedPlan[] => [
  ...plans,
  ...slots.map((plan) => ({ ...plan, cost: 1 })),
];

type ExplainedPlan = Plan | (SlotPlan & { readonly cost: number });

const explainPartition = async (
  config: Config,
  { key, kind, cost, mode, policies }: ExplainedPlan,
  facts: Facts,
): Promise<ExplainedPartition> => {
  const partition = partitionOf(key, facts);
  const explained = policies.map((policy: Policy | SlotPolicy) => ({
    ...policy,
    setBy: setBy(config, policy, facts.tier),
  }));
  return {
    kind,
    of: ownerOf(key, facts),
    limiter: await limiterName(partition),
    cost,
    mode,
    policies: explained,
  };
};

/** Whose a partition is, in words. */
const ownerOf = (key: Key, { identity, address, ...facts }: Facts): string => {
  switch (key.kind) {
    case 'everyone':
      return 'all callers';
    case 'address':
      return address ?? 'the client’s address';
    case 'claim':
      return `${identity?.keyValues?.get(key.claim)} of ${identity?.issuer || 'any issuer'}`;
    case 'param':
      return facts.param(key);
    default:
      return `${identity?.subject} of ${identity?.issuer || 'any issuer'}`;
  }
};

/** A counter begins with its scope. */
const setBy = ({ policies }: Config, { counter }: Policy | SlotPolicy, tier: string | undefined): string => {
  const [, scope = ''] = /^(?:[\w-]+@)?([\w-]+)/.exec(counter) ?? [];
  if (scope === 'default' && tier !== undefined && policies.tiers.has(tier)) return `TIERS.${tier}`;
  return Object.hasOwn(SCOPES, scope) ? SCOPES[scope as keyof typeof SCOPES].variable : `route ${scope}`;
};
