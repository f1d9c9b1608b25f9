// `ROUTES`: the entries and what is wrong with them.
import type { Mode, Route } from '../config.ts';
import type { Algorithm } from '../limit/policy.ts';
import { parseLimits, quote } from '../limits.ts';
import { oneOf } from '../schema.ts';
import { CHOICES, ROUTE } from './settings.ts';
import type { Vars } from './vars.ts';

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;

const ROUTES = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      name: TEXT,
      match: TEXT,
      methods: TEXTS,
      auth: { type: 'string', enum: ['required', 'optional', 'none'] },
      limits: TEXT,
      cost: { type: 'number' },
      scopes: TEXTS,
      mode: { type: 'string', enum: CHOICES.MODE },
      algorithm: { type: 'string', enum: CHOICES.ALGORITHM },
    },
    required: ['name', 'match'],
    additionalProperties: false,
  },
} as const;

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
  const names = new Set<string>();
  return entries.map((entry, index) => {
    const at = `ROUTES[${index}]`;
    checkName(vars, `${at}.name`, entry.name, names);
    check(vars, `${at}.match`, matchProblem(entry.match), entry.match);
    for (const scope of entry.scopes ?? []) check(vars, `${at}.scopes`, scopeProblem(scope), scope);
    const { auth = ROUTE.auth, cost = ROUTE.cost, mode = defaults.mode } = entry;
    if (auth === 'none' && entry.scopes?.length)
      vars.fail(`${at}.scopes`, 'expected none, since `auth` is `none`');
    if (!Number.isSafeInteger(cost) || cost < 1)
      vars.fail(`${at}.cost`, `expected a whole number from 1, got ${cost}`);
    return {
      name: entry.name,
      match: entry.match,
      methods: readMethods(vars, `${at}.methods`, entry.methods),
      auth,
      // The route's algorithm is for its own limits. Were it to reach the caller's default limits, those would count
      // on a fresh counter there, and a caller would have them twice.
      limits: readLimits(
        vars,
        `${at}.limits`,
        entry.limits,
        entry.name,
        entry.algorithm ?? defaults.algorithm,
      ),
      cost,
      scopes: entry.scopes ?? [],
      mode,
    };
  });
};

const check = (vars: Vars, variable: string, problem: string | undefined, value: string): void => {
  if (problem !== undefined) vars.fail(variable, `${problem}, got ${quote(value)}`);
};

const checkName = (vars: Vars, variable: string, name: string, earlier: Set<string>): void => {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name) || name.length > 64)
    check(vars, variable, 'expected at most 64 of `a-z`, `0-9`, `-` and `_`', name);
  if (RESERVED.includes(name)) check(vars, variable, `expected none of ${oneOf(RESERVED)}`, name);
  if (earlier.has(name)) check(vars, variable, 'expected each name once', name);
  earlier.add(name);
};

/** Paths are compared in canonical form too (see `route.ts`), so a pattern must be written in it. */
const matchProblem = (match: string): string | undefined => {
  if (!match.startsWith('/')) return 'expected a path pattern that starts with `/`';
  if (/%|;|\/\/|\/\.{1,2}(\/|$)/.test(match))
    return 'expected a path without escapes, `;`, `//` and dot segments';
  try {
    new URLPattern({ pathname: match }, { ignoreCase: true });
  } catch {
    return 'expected a URLPattern pathname such as `/api/search/*`';
  }
};

/** RFC 6749 section 3.3: a scope is one word. */
const scopeProblem = (scope: string): string | undefined =>
  /^[!#-[\]-~]+$/.test(scope) ? undefined : 'expected one scope an entry';

const readMethods = (
  vars: Vars,
  variable: string,
  methods: readonly string[] | undefined,
): Route['methods'] => {
  if (methods === undefined) return undefined;
  if (methods.length === 0) vars.fail(variable, 'expected at least one method');
  for (const method of methods) {
    if (!/^[A-Z]+$/i.test(method)) check(vars, variable, 'expected a method', method);
    if (method.toUpperCase() === 'HEAD')
      check(vars, variable, 'expected `GET`, which HEAD counts as', method);
  }
  return new Set(methods.map((method) => method.toUpperCase()));
};

const readLimits = (
  vars: Vars,
  variable: string,
  text: string | undefined,
  ...[scope, algorithm]: [scope: string, algorithm: Algorithm]
): Route['limits'] => {
  if (text === undefined || text === '') return [];
  if (text.trim().toLowerCase() === 'none') return 'none';
  const { policies, problems } = parseLimits(text, scope, algorithm);
  for (const problem of problems) vars.fail(variable, problem);
  return policies;
};
