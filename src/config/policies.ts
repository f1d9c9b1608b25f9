// Reads limits, by whom they apply to, and checks that a request can meet them.
import { tableOf, text } from '../lib/shape.ts';
import type { Algorithm } from '../limiter/algorithms/index.ts';
import { isOfToken, writtenKey } from '../partition.ts';
import type { Caller } from '../quota/charge.ts';
import { chargesOf } from '../quota/plan.ts';
import { type KeyTerms, parseLimits, tooMany } from './notation.ts';
import { SCOPES, type Scope } from './scopes.ts';
import type { Config, Limit, Mode, Policies, Route } from './types.ts';
import type { Vars } from './vars.ts';

/** Most claims that limits may count by: a caller's charge depends on which of them its token has. */
const MAX_KEY_CLAIMS = 8;

/** What applies to limits that do not say otherwise. */
export interface Defaults {
  readonly algorithm: Algorithm;
  readonly mode: Mode;
}

export const readPolicies = (vars: Vars, defaults: Defaults): Policies => {
  const read = (scope: keyof typeof SCOPES) => {
    const name = SCOPES[scope].variable;
    return readList(vars, name, vars.text(name), { ...defaults, scope });
  };
  const tiers = Object.entries(vars.structured('TIERS', TIERS) ?? {});
  return {
    default: read('default'),
    // A tier counts where `LIMITS` does, so that a caller who changes tier keeps what was spent.
    tiers: new Map(
      tiers.map(([tier, limits]) => [
        tier,
        readList(vars, `TIERS.${tier}`, limits, { ...defaults, scope: 'default' }),
      ]),
    ),
    anonymous: withoutToken(vars, 'ANONYMOUS_LIMITS', read('anonymous')),
    preflight: withoutToken(vars, 'PREFLIGHT_LIMITS', read('preflight')),
    ip: read('ip'),
    global: read('global'),
  };
};

/** What applies to every limit of a list. */
export interface ListTerms extends Defaults, KeyTerms {
  readonly scope: Scope;
  /** Unset: whatever the request's route costs. */
  readonly cost?: number;
}

/** The limits of one list; none where it is unset. */
export const readList = (vars: Vars, name: string, limits = 'none', terms: ListTerms): readonly Limit[] => {
  const { policies, slots, problems } = parseLimits(limits, terms.scope, terms.algorithm, terms);
  for (const { expected, got } of problems) vars.fail(name, expected, got);
  const { mode, cost } = terms;
  return [
    ...policies.map((policy) => ({ ...policy, mode, cost })),
    ...slots.map((policy) => ({ ...policy, mode })),
  ];
};

const TIERS = tableOf(text);

const withoutToken = (vars: Vars, name: string, limits: readonly Limit[]): readonly Limit[] => {
  for (const { key, name: policy } of limits.filter((limit) => isOfToken(limit.key)))
    vars.fail(name, `a key other than \`${writtenKey(key)}\`, since these callers have no token`, policy);
  return limits;
};

/** Every limit of the configuration. */
export const allLimits = ({ policies, routes }: Pick<Config, 'policies' | 'routes'>): readonly Limit[] => [
  ...[policies.default, ...policies.tiers.values(), policies.anonymous, policies.preflight].flat(),
  ...[policies.ip, policies.global].flat(),
  ...routes.flatMap(({ limits, tierLimits }) =>
    [limits, ...tierLimits.values()].flatMap((list) => (list === 'none' ? [] : list)),
  ),
];

/** The claims that some limit counts by, each once. */
export const keyClaimsOf = (vars: Vars, config: Pick<Config, 'policies' | 'routes'>): readonly string[] => {
  const claims = allLimits(config).flatMap(({ key }) => (key.kind === 'claim' ? [key.claim] : []));
  const once = [...new Set(claims)];
  if (once.length > MAX_KEY_CLAIMS)
    vars.fail('LIMITS', `at most ${MAX_KEY_CLAIMS} claims to count by, over all limits`, once.length);
  return once;
};

/** Who can call a route, by its `auth`. */
const CALLERS: Readonly<Record<Route['auth'], readonly Caller[]>> = {
  required: ['subject', 'preflight'],
  optional: ['subject', 'anonymous', 'preflight'],
  none: ['anonymous', 'preflight'],
};

/** Checks every charge: a cost above a quota could never be allowed, and the policies on one request are bounded. */
export const checkCharges = (vars: Vars, config: Config): void => {
  const chargeOf = chargesOf(config);
  const tiers = new Set([
    undefined,
    ...config.policies.tiers.keys(),
    ...config.routes.flatMap(({ tierLimits }) => [...tierLimits.keys()]),
  ]);
  for (const [index, route] of [config.defaultRoute, ...config.routes].entries()) {
    const at = index === 0 ? undefined : `ROUTES[${index - 1}]`;
    const charges = CALLERS[route.auth].flatMap((caller) =>
      [...tiers].map((tier) => chargeOf(route, caller, tier)),
    );
    const counts = charges.map(
      ({ plans, slots }) =>
        [...plans, ...slots].flatMap(({ policies }): readonly object[] => policies).length,
    );
    const issue = tooMany(Math.max(...counts));
    if (issue) vars.fail(at ? `${at}.limits` : 'LIMITS', issue.expected, issue.got);
    const plans = charges.flatMap((charge) => charge.plans);
    const short = plans.flatMap(({ policies, cost }) => policies.filter(({ quota }) => quota < cost));
    const [smallest] = short.toSorted((a, b) => a.quota - b.quota);
    if (smallest) vars.fail(`${at}.cost`, `at most the quota of \`${smallest.name}\``, route.cost);
  }
};
