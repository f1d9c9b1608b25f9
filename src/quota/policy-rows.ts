// The policies in effect, as rows: every route, kind of caller and tier, by the Worker's own plans.
import { tiersOf } from '../config/tiers.ts';
import type { Config, Route } from '../config/types.ts';
import type { Caller, Charge } from './charge.ts';
import { chargesOf } from './plan.ts';

export interface PolicyRow {
  readonly route: string;
  readonly match: string;
  readonly methods: string;
  /** `subject`, `subject, tier pro`, `anonymous` or `preflight`. */
  readonly caller: string;
  readonly mode: string;
  readonly cost: number;
  /** Names of policies by whose counter they are; a partition without policies is left out. */
  readonly policies: Readonly<Record<string, readonly string[]>>;
}

export const policyRows = (config: Config): readonly PolicyRow[] =>
  [...config.routes, config.defaultRoute].flatMap((route) => rowsOf(config, route));

/** A row for each kind of caller and tier that may come to a route. */
export const rowsOf = (config: Config, route: Route): readonly PolicyRow[] => {
  const chargeOf = chargesOf(config);
  return callersOf(config, route).map(([caller, tier]) =>
    toRow(route, tier === undefined ? caller : `${caller}, tier ${tier}`, chargeOf(route, caller, tier)),
  );
};

/**
 * Tiers of `TIERS` come to every route, others to those that have limits for them. Preflights are charged alike on every route
 * but an exempt one, so they stand with the defaults.
 */
const callersOf = (config: Config, route: Route): readonly [caller: Caller, tier?: string][] => {
  const { policies } = config;
  const tiers = tiersOf({ policies, routes: [route] }).map((tier): [Caller, string] => ['subject', tier]);
  const subjects: [Caller, string?][] = route.auth === 'none' ? [] : [['subject'], ...tiers];
  const anonymous: [Caller][] = route.auth === 'required' ? [] : [['anonymous']];
  return [...subjects, ...anonymous, ...(route === config.defaultRoute ? [['preflight'] as [Caller]] : [])];
};

const toRow = (route: Route, caller: string, { plans, slots }: Charge): PolicyRow => ({
  route: route.name,
  match: route.match ?? '*',
  methods: route.methods ? [...route.methods].join(',') : '*',
  caller,
  mode: route.mode,
  cost: caller === 'preflight' ? 1 : route.cost,
  policies: namesByKind([...plans, ...slots]),
});

interface Named {
  readonly kind: string;
  readonly policies: readonly { readonly name: string }[];
}

const namesByKind = (plans: readonly Named[]): PolicyRow['policies'] =>
  Object.fromEntries(
    [...Map.groupBy(plans, ({ kind }) => kind)]
      .map(
        ([kind, same]) => [kind, same.flatMap(({ policies }) => policies.map(({ name }) => name))] as const,
      )
      .filter(([, names]) => names.length > 0),
  );
