// `ROUTES`: the entries and what is wrong with them.

import { optional } from 'valibot';
import { oneOf } from '../lib/issue.ts';
import { listOf, number, table, text, word } from '../lib/shape.ts';
import type { Algorithm } from '../limiter/algorithms/index.ts';
import { patternIssue } from '../routing/pattern.ts';
import { readList } from './policies.ts';
import { CHOICES, ROUTE } from './settings.ts';
import type { Mode, Route } from './types.ts';
import type { Vars } from './vars.ts';

const ROUTES = listOf(
  table({
    name: text,
    match: text,
    methods: optional(listOf(text)),
    auth: optional(word(['required', 'optional', 'none'])),
    limits: optional(text),
    cost: optional(number),
    scopes: optional(listOf(text)),
    mode: optional(word(CHOICES.MODE)),
    algorithm: optional(word(CHOICES.ALGORITHM)),
  }),
);

/** Scopes of policies (see `Scope`): a route of that name would share their counters. */
const RESERVED = ['default', 'anonymous', 'preflight', 'ip', 'global'];

/** What holds for a route that does not say. */
interface Defaults {
  readonly algorithm: Algorithm;
  readonly mode: Mode;
}

/** Applies where no route matches. */
export const defaultRoute = (mode: Mode): Route => ({
  ...ROUTE,
  name: 'default',
  match: undefined,
  methods: undefined,
  limits: [],
  scopes: [],
  mode,
});

export const readRoutes = (vars: Vars, defaults: Defaults): readonly Route[] => {
  const entries = vars.structured('ROUTES', ROUTES) ?? [];
  const names = new Set(RESERVED);
  return entries.map((entry, index) => {
    const parts = vars.within(entry, (part) => `ROUTES[${index}].${part}`);
    const {
      name,
      match,
      methods,
      auth,
      limits,
      cost,
      scopes = [],
      mode,
      algorithm,
    } = {
      ...ROUTE,
      ...defaults,
      ...entry,
    };
    checkName(parts, name, names);
    checkMatch(parts, match);
    checkScopes(parts, scopes, auth);
    if (!Number.isSafeInteger(cost) || cost < 1) parts.fail('cost', 'a whole number from 1', cost);
    return {
      name,
      match,
      methods: readMethods(parts, methods),
      auth,
      // The route's algorithm is for its own limits. Were it to reach the caller's default limits, those would count
      // on a fresh counter there, and a caller would have them twice.
      limits: readLimits(parts, limits, name, algorithm),
      cost,
      scopes,
      mode,
    };
  });
};

/** @param taken grows by the name. */
const checkName = (vars: Vars, name: string, taken: Set<string>): void => {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name))
    vars.fail('name', 'at most 64 of `a-z`, `0-9`, `-` and `_`', name);
  if (taken.has(name)) vars.fail('name', `each name once, and none of ${oneOf(RESERVED)}`, name);
  taken.add(name);
};

const checkMatch = (vars: Vars, match: string): void => {
  const issue = patternIssue(match);
  if (issue !== undefined) vars.fail('match', issue.expected, issue.got);
};

/** RFC 6749 section 3.3: a scope is one word. */
const checkScopes = (vars: Vars, scopes: readonly string[], auth: Route['auth']): void => {
  if (auth === 'none' && scopes.length > 0) vars.fail('scopes', 'none, since `auth` is `none`');
  for (const scope of scopes)
    if (!/^[!#-[\]-~]+$/.test(scope)) vars.fail('scopes', 'one scope an entry', scope);
};

const readMethods = (vars: Vars, given: readonly string[] | undefined): Route['methods'] => {
  const methods = given?.map((method) => method.toUpperCase());
  if (methods?.length === 0) vars.fail('methods', 'at least one method');
  for (const method of methods ?? [])
    if (!/^(?!HEAD$)[A-Z]+$/.test(method))
      vars.fail('methods', 'a method other than HEAD, which counts as `GET`', method);
  return methods && new Set(methods);
};

const readLimits = (vars: Vars, limits = '', scope: string, algorithm: Algorithm): Route['limits'] => {
  if (limits.trim().toLowerCase() === 'none') return 'none';
  return limits === '' ? [] : readList(vars, 'limits', limits, scope, algorithm);
};
