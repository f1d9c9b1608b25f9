// One route out of several: as strict as each of them in everything.

import type { Route } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Policy } from '../limiter/policy.ts';

/** Combinations of routes kept; an ordinary configuration has a handful. */
const MAX_COMBINED = 256;

/** One route that meets the demands of all. Each combination is made once, so that its charges can be kept. */
export const combiner = (inOrder: readonly Route[]) => {
  const known = new BoundedMap<string, Route>(MAX_COMBINED);
  return (met: ReadonlySet<Route>): Route => {
    const [only] = met;
    if (only !== undefined && met.size === 1) return only;
    const routes = strictest(inOrder.filter((route) => met.has(route)));
    const name = routes.map((route) => route.name).join('+');
    const combined = known.get(name) ?? routes.reduce(merge);
    known.set(name, combined);
    return combined;
  };
};

/** Without those that another is as strict as in everything; of two alike the first stays. */
const strictest = (routes: readonly Route[]): readonly Route[] =>
  routes.reduce<readonly Route[]>(
    (kept, route) =>
      kept.some((other) => covers(other, route))
        ? kept
        : [...kept.filter((other) => !covers(route, other)), route],
    [],
  );

/** Whether a request that meets the demands of `a` meets those of `b`. */
export const covers = (a: Route, b: Route): boolean =>
  (a.auth === 'required' || a.auth === b.auth) &&
  (b.limits === 'none' ||
    (a.limits !== 'none' && b.limits.every((policy) => limitsOf(a).includes(policy)))) &&
  a.cost >= b.cost &&
  b.scopes.every((scope) => a.scopes.includes(scope)) &&
  (a.mode === 'enforce' || b.mode === 'shadow');

const merge = (a: Route, b: Route): Route => ({
  name: `${a.name}+${b.name}`,
  match: undefined,
  methods: undefined,
  auth: a.auth === b.auth ? a.auth : 'required',
  limits: a.limits === 'none' && b.limits === 'none' ? 'none' : [...limitsOf(a), ...limitsOf(b)],
  cost: Math.max(a.cost, b.cost),
  scopes: [...new Set([...a.scopes, ...b.scopes])],
  mode: a.mode === 'shadow' ? b.mode : a.mode,
});

const limitsOf = ({ limits }: Route): readonly Policy[] => (limits === 'none' ? [] : limits);
