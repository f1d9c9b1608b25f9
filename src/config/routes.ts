// `ROUTES`: the entries and what is wrong with them.
import type { Mode, Route } from '../config.ts';
import type { Algorithm } from '../limit/policy.ts';
import { oneOf } from '../schema.ts';
import { readList } from './policies.ts';
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
    const expected = expectedMatch(entry.match);
    if (expected !== undefined) vars.fail(`${at}.match`, expected, entry.match);
    // RFC 6749 section 3.3: a scope is one word.
    for (const scope of entry.scopes ?? [])
      if (!/^[!#-[\]-~]+$/.test(scope)) vars.fail(`${at}.scopes`, 'one scope an entry', scope);
    const { auth = ROUTE.auth, cost = ROUTE.cost, mode, algorithm, limits = '' } = { ...defaults, ...entry };
    if (auth === 'none' && entry.scopes?.length) vars.fail(`${at}.scopes`, 'none, since `auth` is `none`');
    if (!Number.isSafeInteger(cost) || cost < 1) vars.fail(`${at}.cost`, 'a whole number from 1', cost);
    return {
      name: entry.name,
      match: entry.match,
      methods: readMethods(vars, `${at}.methods`, entry.methods),
      auth,
      // The route's algorithm is for its own limits. Were it to reach the caller's default limits, those would count
      // on a fresh counter there, and a caller would have them twice.
      limits: /^\s*none\s*$/i.test(limits)
        ? 'none'
        : readList(vars, `${at}.limits`, limits || undefined, entry.name, algorithm),
      cost,
      scopes: entry.scopes ?? [],
      mode,
    };
  });
};

const checkName = (vars: Vars, variable: string, name: string, earlier: Set<string>): void => {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name) || name.length > 64)
    vars.fail(variable, 'at most 64 of `a-z`, `0-9`, `-` and `_`', name);
  if (RESERVED.includes(name)) vars.fail(variable, `none of ${oneOf(RESERVED)}`, name);
  if (earlier.has(name)) vars.fail(variable, 'each name once', name);
  earlier.add(name);
};

/** Paths are compared in canonical form too (see `route.ts`), so a pattern must be written in it. */
const expectedMatch = (match: string): string | undefined => {
  if (!match.startsWith('/')) return 'a path pattern that starts with `/`';
  if (/%|;|\/\/|\/\.{1,2}(\/|$)/.test(match)) return 'a path without escapes, `;`, `//` and dot segments';
  try {
    new URLPattern({ pathname: match }, { ignoreCase: true });
  } catch {
    return 'a URLPattern pathname such as `/api/search/*`';
  }
};

const readMethods = (
  vars: Vars,
  variable: string,
  methods: readonly string[] | undefined,
): Route['methods'] => {
  if (methods === undefined) return undefined;
  if (methods.length === 0) vars.fail(variable, 'at least one method');
  for (const method of methods) {
    if (!/^[A-Z]+$/i.test(method)) vars.fail(variable, 'a method', method);
    if (method.toUpperCase() === 'HEAD') vars.fail(variable, '`GET`, which HEAD counts as', method);
  }
  return new Set(methods.map((method) => method.toUpperCase()));
};
