// Reads `ROUTES`.
import { boolean, optional, union } from 'valibot';
import { oneOf } from '../lib/issue.ts';
import { listOf, number, table, tableOf, text, word } from '../lib/shape.ts';
import { patternIssue } from '../routing/pattern.ts';
import { isNone } from './notation.ts';
import { type Defaults, type ListTerms, readList } from './policies.ts';
import { SCOPES } from './scopes.ts';
import { CHOICES, HEADER_NAME, ROUTE } from './settings.ts';
import type { Mode, Route, RouteLimits } from './types.ts';
import type { Vars } from './vars.ts';

const ROUTES = listOf(
  table({
    name: text,
    match: text,
    methods: optional(listOf(text)),
    auth: optional(word(['required', 'optional', 'none'])),
    limits: optional(union([text, tableOf(text)], 'limits such as `10/minute`, or a table of them by tier')),
    override_defaults: optional(boolean('`true` or `false`')),
    cost: optional(number),
    count: optional(listOf(union([text, number], 'a status such as `401` or `5xx`'))),
    cost_header: optional(text),
    scopes: optional(listOf(text)),
    mode: optional(word(CHOICES.MODE)),
    algorithm: optional(word(CHOICES.ALGORITHM)),
  }),
);

/** Names under which a route would share the counters of a var. */
const RESERVED = Object.keys(SCOPES);

/** Applies where no route matches. */
export const defaultRoute = (mode: Mode): Route => ({
  ...ROUTE,
  name: 'default',
  match: undefined,
  methods: undefined,
  limits: [],
  tierLimits: new Map(),
  overrideDefaults: false,
  count: undefined,
  costHeader: undefined,
  scopes: [],
  mode,
  members: undefined,
});

export const readRoutes = (vars: Vars, defaults: Defaults): readonly Route[] => {
  const entries = vars.structured('ROUTES', ROUTES) ?? [];
  const names = new Set(RESERVED);
  return entries.map((entry, index) => {
    const parts = vars.within(entry, (part) => `ROUTES[${index}].${part}`);
    const given = { ...ROUTE, ...defaults, ...entry };
    const { name, match, auth, cost, mode, scopes = [], algorithm } = given;
    checkName(parts, name, names);
    checkMatch(parts, match);
    checkScopes(parts, scopes, auth);
    if (!Number.isSafeInteger(cost) || cost < 1) parts.fail('cost', 'a whole number from 1', cost);
    return {
      name,
      match,
      methods: readMethods(parts, given.methods),
      auth,
      // The route's algorithm is for its own limits. Were it to reach the caller's default limits, those would count
      // on a fresh counter there, and a caller would have them twice.
      ...readLimits(parts, given.limits, { scope: name, algorithm, mode, cost, match }),
      overrideDefaults: given.override_defaults,
      cost,
      count: readCount(parts, given.count),
      costHeader: readCostHeader(parts, given.cost_header),
      scopes,
      mode,
      members: undefined,
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

const readCount = (vars: Vars, given: readonly (string | number)[] | undefined): Route['count'] => {
  const patterns = given?.map((each) => String(each).toLowerCase());
  if (patterns?.length === 0) vars.fail('count', 'at least one status');
  for (const pattern of patterns ?? [])
    if (!/^[1-5](\d\d|xx)$/.test(pattern)) vars.fail('count', 'a status such as `401` or `5xx`', pattern);
  return patterns;
};

const readCostHeader = (vars: Vars, given: string | undefined): Route['costHeader'] => {
  if (given !== undefined && !HEADER_NAME.test(given))
    vars.fail('cost_header', 'the name of a response header', given);
  return given?.toLowerCase();
};

/** One list for all callers, or lists by tier, of which `default` is for callers of any other tier. */
const readLimits = (
  vars: Vars,
  given: string | Readonly<Record<string, string>> = '',
  terms: ListTerms,
): Pick<Route, 'limits' | 'tierLimits'> => {
  if (typeof given === 'string')
    return { limits: readOne(vars, 'limits', given, terms), tierLimits: new Map() };
  const { default: others = '', ...tiers } = given;
  if (!('default' in given)) vars.fail('limits', 'a list `default`, for callers of any other tier');
  return {
    limits: readOne(vars, 'limits.default', others, terms),
    tierLimits: new Map(
      Object.entries(tiers).map(([tier, limits]) => [tier, readOne(vars, `limits.${tier}`, limits, terms)]),
    ),
  };
};

const readOne = (vars: Vars, name: string, limits: string, terms: ListTerms): RouteLimits => {
  if (isNone(limits)) return 'none';
  return limits === '' ? [] : readList(vars, name, limits, terms);
};
