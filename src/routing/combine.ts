// One route out of several: as strict as each of them in everything.
import type { Config, Limit, Route, RouteLimits } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { isCounted, membersOf } from '../quota/real-cost.ts';

/** Combinations of routes kept; an ordinary configuration has a handful. */
const MAX_COMBINED = 256;

/** How two routes' values of one property are compared and combined. */
interface Rule<Value> {
  /** Whether a request that meets what `a` demands meets what `b` demands. */
  covers(a: Value, b: Value): boolean;
  /** What meets the demands of both. */
  merge(a: Value, b: Value): Value;
}

const limitsIn = (limits: RouteLimits): readonly Limit[] => (limits === 'none' ? [] : limits);

const limits: Rule<RouteLimits> = {
  covers: (a, b) => b === 'none' || (a !== 'none' && b.every((limit) => a.includes(limit))),
  merge: (a, b) => (a === 'none' && b === 'none' ? 'none' : [...limitsIn(a), ...limitsIn(b)]),
};

/** What holds for a property that tells routes apart and demands nothing. */
const describes = <Value>(merged: (a: Value, b: Value) => Value): Rule<Value> => ({
  covers: () => true,
  merge: merged,
});

/** None of two that differ in it can stand for the other: each is asked what a request really cost. */
const askedOfEach = <Value>(): Rule<Value> => ({ covers: (a, b) => a === b, merge: (a) => a });

const STATUSES = Array.from({ length: 500 }, (_, i) => 100 + i);

const tiersOf = (a: Route['tierLimits'], b: Route['tierLimits']): readonly string[] => [
  ...new Set([...a.keys(), ...b.keys()]),
];

/** Every property of a route: a new one does not compile until it says how it is compared and combined. */
const RULES: { readonly [Property in keyof Route]: Rule<Route[Property]> } = {
  name: describes((a, b) => `${a}+${b}`),
  match: describes(() => undefined),
  methods: describes(() => undefined),
  auth: { covers: (a, b) => a === 'required' || a === b, merge: (a, b) => (a === b ? a : 'required') },
  limits,
  tierLimits: {
    // A tier that only one of them has meets the other's limits for all, which are not known here.
    covers: (a, b) =>
      tiersOf(a, b).every((tier) => {
        const [ofA, ofB] = [a.get(tier), b.get(tier)];
        return ofA !== undefined && ofB !== undefined && limits.covers(ofA, ofB);
      }),
    merge: (a, b) =>
      new Map(tiersOf(a, b).map((tier) => [tier, limits.merge(a.get(tier) ?? [], b.get(tier) ?? [])])),
  },
  overrideDefaults: { covers: (a, b) => !a || b, merge: (a, b) => a && b },
  cost: { covers: (a, b) => a >= b, merge: Math.max },
  costHeader: askedOfEach(),
  scopes: {
    covers: (a, b) => b.every((scope) => a.includes(scope)),
    merge: (a, b) => [...new Set([...a, ...b])],
  },
  mode: { covers: (a, b) => a === 'enforce' || b === 'shadow', merge: (a, b) => (a === 'shadow' ? b : a) },
  members: describes((a, b) => a && b),
  // The dearest to compare, so the last.
  count: {
    // Our own answers for an origin that failed spend where they are listed alone.
    covers: (a, b) =>
      b === undefined
        ? a === undefined
        : STATUSES.every((status) => !isCounted(b, status) || (a !== undefined && isCounted(a, status))),
    merge: (a, b) => a && b && [...new Set([...a, ...b])],
  },
};

const PROPERTIES = Object.keys(RULES) as (keyof Route)[];

/** One rule, whatever its values are. */
const ruleOf = (property: keyof Route): Rule<unknown> => RULES[property] as Rule<unknown>;

/** Whether a request that meets the demands of `a` meets those of `b`. */
export const covers = (a: Route, b: Route): boolean =>
  PROPERTIES.every((property) => ruleOf(property).covers(a[property], b[property]));

/** What it is charged follows from its members. */
const merge = (a: Route, b: Route): Route => {
  const merged = PROPERTIES.map((property) => [property, ruleOf(property).merge(a[property], b[property])]);
  return {
    ...(Object.fromEntries(merged) as Route),
    members: [...membersOf(a), ...membersOf(b)],
  };
};

/** One route that meets the demands of all. Each combination is made once, so that its charges can be kept. */
export const combiner = (inOrder: readonly Route[], countsApart = false) => {
  const known = new BoundedMap<string, Route>(MAX_COMBINED);
  return (met: ReadonlySet<Route>): Route => {
    const [only] = met;
    if (only !== undefined && met.size === 1) return only;
    const all = inOrder.filter((route) => met.has(route));
    const routes = countsApart ? all : strictest(all);
    const name = routes.map((route) => route.name).join('+');
    const combined = known.get(name) ?? routes.reduce(merge);
    known.set(name, combined);
    return combined;
  };
};

/** Whether some limit counts each route by itself, so that none of them can stand for another. */
export const countsApart = ({ policies }: Pick<Config, 'policies'>): boolean =>
  [policies.default, policies.anonymous, ...policies.tiers.values()]
    .flat()
    .some(({ key }) => key.kind === 'route');

/** Without those that another is as strict as in everything; of two alike the first stays. */
const strictest = (routes: readonly Route[]): readonly Route[] =>
  routes.reduce<readonly Route[]>(
    (kept, route) =>
      kept.some((other) => covers(other, route))
        ? kept
        : [...kept.filter((other) => !covers(route, other)), route],
    [],
  );
