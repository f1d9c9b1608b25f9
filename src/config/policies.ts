// Limits by whom they are for, and what no request could ever meet.

import { tableOf, text } from '../lib/shape.ts';
import type { Algorithm } from '../limiter/algorithms/index.ts';
import type { Policy, Scope } from '../limiter/policy.ts';
import { type Caller, chargesOf } from '../quota/plan.ts';
import { parseLimits, tooMany } from './notation.ts';
import type { Config, Policies, Route } from './types.ts';
import type { Vars } from './vars.ts';

export const readPolicies = (vars: Vars, algorithm: Algorithm): Policies => {
  const read = (name: string, scope: Scope, limits = vars.text(name)) =>
    limits === undefined ? [] : readList(vars, name, limits, scope, algorithm);
  const tiers = Object.entries(vars.structured('TIERS', TIERS) ?? {});
  return {
    default: read('LIMITS', 'default'),
    // A tier counts where `LIMITS` does, so that a caller who changes tier keeps what was spent.
    tiers: new Map(tiers.map(([tier, limits]) => [tier, read(`TIERS.${tier}`, 'default', limits)])),
    anonymous: read('ANONYMOUS_LIMITS', 'anonymous'),
    preflight: read('PREFLIGHT_LIMITS', 'preflight'),
    ip: read('IP_LIMITS', 'ip'),
    global: read('GLOBAL_LIMITS', 'global'),
  };
};

/** The policies of one list. */
export const readList = (
  vars: Vars,
  name: string,
  limits: string,
  scope: Scope,
  algorithm: Algorithm,
): readonly Policy[] => {
  const { policies, problems } = parseLimits(limits, scope, algorithm);
  for (const { expected, got } of problems) vars.fail(name, expected, got);
  return policies;
};

const TIERS = tableOf(text);

/** Who can come to a route, by its `auth`. */
const CALLERS: Readonly<Record<Route['auth'], readonly Caller[]>> = {
  required: ['subject', 'preflight'],
  optional: ['subject', 'anonymous', 'preflight'],
  none: ['anonymous', 'preflight'],
};

/** A cost above a quota could never be allowed, and a request meets at most so many policies. */
export const checkCharges = (vars: Vars, config: Config): void => {
  const chargeOf = chargesOf(config);
  const tiers = [undefined, ...config.policies.tiers.keys()];
  for (const [index, route] of [config.defaultRoute, ...config.routes].entries()) {
    const at = index === 0 ? undefined : `ROUTES[${index - 1}]`;
    const charges = CALLERS[route.auth].flatMap((caller) =>
      tiers.map((tier) => chargeOf(route, caller, tier)),
    );
    const counts = charges.map(({ plans }) => plans.flatMap(({ policies }) => policies).length);
    const issue = tooMany(Math.max(...counts));
    if (issue) vars.fail(at ? `${at}.limits` : 'LIMITS', issue.expected, issue.got);
    const plans = charges.flatMap((charge) => charge.plans);
    const short = plans.flatMap(({ policies, cost }) => policies.filter(({ quota }) => quota < cost));
    const [smallest] = short.toSorted((a, b) => a.quota - b.quota);
    if (smallest) vars.fail(`${at}.cost`, `at most the quota of \`${smallest.name}\``, route.cost);
  }
};
