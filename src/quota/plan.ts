// Plans: which policies a request meets, of whom, at which cost. Made once per route, kind of caller and tier.
import type { Config, Route } from '../config/types.ts';
import { type Loanable, loanable, type Policy } from '../limiter/policy.ts';
import { policyField } from './fields.ts';

/** `unidentified`: refused, had `AUTH_MODE` not been `shadow`; counted only where every request is. */
export type Caller = 'subject' | 'anonymous' | 'preflight' | 'unidentified';

/** The policies of one partition, asked for together. */
export interface Plan extends Loanable {
  /** Tells leases of different charges apart. */
  readonly id: number;
  readonly kind: 'subject' | 'address' | 'global';
  readonly policies: readonly Policy[];
  /** Permits one request spends of each. */
  readonly cost: number;
}

export interface Charge {
  /** In config order; at most one of each kind. */
  readonly plans: readonly Plan[];
  /** Value of `RateLimit-Policy`; empty where no policy applies. */
  readonly policyField: string;
}

/** Finds the charge of a request. Every charge is made once per route, kind of caller and tier. */
export const chargesOf = (config: Config) => {
  const charges = new WeakMap<Route, Map<string, Charge>>();
  let count = 0;
  return function chargeOf(route: Route, caller: Caller, tier?: string): Charge {
    const known = tier !== undefined && config.policies.tiers.has(tier) ? tier : undefined;
    const key = known === undefined ? caller : `${caller}:${known}`;
    const made = charges.get(route)?.get(key);
    if (made !== undefined) return made;
    const charge = makeCharge(config, count++, route, caller, known);
    charges.set(route, new Map([...(charges.get(route) ?? []), [key, charge]]));
    return charge;
  };
};

const NOT_LOANABLE: Loanable = { leasable: false, byRate: [] };

const makeCharge = (config: Config, id: number, route: Route, caller: Caller, tier?: string): Charge => {
  const { policies } = config;
  const own = ownPolicies(config, caller, tier);
  const ofRoute = route.limits === 'none' || !MEETS_ROUTE[caller] ? [] : route.limits;
  const exempt = route.limits === 'none';
  const ofCaller = exempt ? [] : [...own, ...ofRoute];
  const ofAddress = exempt ? [] : policies.ip;
  const make = (kind: Plan['kind'], list: readonly Policy[]): Plan => ({
    id,
    kind,
    policies: list,
    cost: caller === 'preflight' ? 1 : route.cost,
    ...(config.leases ? loanable(list, config.leaseMs) : NOT_LOANABLE),
  });
  const plans =
    caller === 'subject'
      ? [make('subject', ofCaller), make('address', ofAddress)]
      : [make('address', [...ofCaller, ...ofAddress])];
  plans.push(make('global', policies.global));
  // A subject without policies is still asked for, since its Limiter knows of revocations.
  const applied = plans.filter(({ kind, policies }) => kind === 'subject' || policies.length > 0);
  return { plans: applied, policyField: policyField(applied.flatMap((plan) => plan.policies)) };
};

/** Whether a caller meets the limits that a route adds. */
const MEETS_ROUTE: Readonly<Record<Caller, boolean>> = {
  subject: true,
  anonymous: true,
  preflight: false,
  unidentified: false,
};

const ownPolicies = (config: Config, caller: Caller, tier: string | undefined): readonly Policy[] => {
  if (caller === 'unidentified') return [];
  if (caller === 'subject') return tiered(config, tier) ?? config.policies.default;
  return config.policies[caller];
};

const tiered = (config: Config, tier: string | undefined): readonly Policy[] | undefined =>
  tier === undefined ? undefined : config.policies.tiers.get(tier);
