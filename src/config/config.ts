// Environment vars -> Config. Defaults and bounds are in `settings.ts`; each part has its reader in a file beside it.
import { type Network, parseNetwork } from '../lib/address.ts';
import { readClaimHeaders } from './claims.ts';
import { readOrigin } from './origin.ts';
import { checkCharges, keyClaimsOf, readPolicies } from './policies.ts';
import { readResponses } from './responses.ts';
import { defaultRoute, readRoutes } from './routes.ts';
import { ABNORMAL_FACTOR, JURISDICTIONS, LOCATIONS } from './settings.ts';
import { readTokens } from './tokens.ts';
import type { Config, Limit, RouteLimits } from './types.ts';
import { type Env, type Problem, Vars } from './vars.ts';

/** Vars that are wrong, all of them at once. No message holds a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ variable, problem }) => `\`${variable}\`: ${problem}`).join('\n'));
    this.problems = problems;
  }
}

/** How reading a mount's configuration differs from reading the deployed Worker's. */
export interface Reading {
  /** What a message calls a var. */
  readonly nameOf?: (variable: string) => string;
  /** The mount's name, with which the names of its counters begin; unset for the deployed Worker. */
  readonly mount?: string | undefined;
  /** `false`: the app authenticates callers itself, so no keys are needed. */
  readonly tokens?: boolean;
}

/**
 * Reads every var; bindings and names it does not know are left alone.
 * @throws {ConfigError} that names every var at fault.
 */
export const parseConfig = (env: Env, { nameOf, mount, tokens = true }: Reading = {}): Config => {
  const vars = new Vars(env, nameOf);
  const config = readConfig(vars, tokens);
  if (vars.problems.length === 0) checkCharges(vars, config);
  if (vars.problems.length > 0) throw new ConfigError(vars.problems);
  return mount === undefined ? config : ofMount(config, mount);
};

/** The configuration with counters of its own, so that two mounts of one Worker do not share a quota by accident. */
const ofMount = (config: Config, mount: string): Config => {
  const own = (list: readonly Limit[]) =>
    list.map((policy) => ({ ...policy, counter: `${mount}/${policy.counter}` }));
  const ownOf = (limits: RouteLimits) => (limits === 'none' ? limits : own(limits));
  const { policies, routes } = config;
  return {
    ...config,
    policies: {
      default: own(policies.default),
      tiers: new Map([...policies.tiers].map(([tier, list]) => [tier, own(list)])),
      anonymous: own(policies.anonymous),
      preflight: own(policies.preflight),
      ip: own(policies.ip),
      global: own(policies.global),
    },
    routes: routes.map((route) => ({
      ...route,
      limits: ownOf(route.limits),
      tierLimits: new Map([...route.tierLimits].map(([tier, limits]) => [tier, ownOf(limits)])),
    })),
  };
};

/** The names of all vars, including those that are read only where another var has a certain value. */
export const varNames = (): ReadonlySet<string> => {
  const names = new Set<string>();
  const recorder = new Proxy<Record<string, unknown>>(
    {},
    {
      get: (_env, name) => void names.add(String(name)),
    },
  );
  readConfig(new Vars(recorder));
  return names;
};

const readConfig = (vars: Vars, tokens = true): Config => {
  const mode = vars.choice('MODE');
  const algorithm = vars.choice('ALGORITHM');
  const policies = readPolicies(vars, { mode, algorithm });
  const routes = readRoutes(vars, { mode, algorithm });
  return {
    tokens: { ...readTokens(vars, tokens), keyClaims: keyClaimsOf(vars, { policies, routes }) },
    origin: readOrigin(vars),
    claimHeaders: readClaimHeaders(vars),
    policies,
    algorithm,
    routes,
    defaultRoute: defaultRoute(mode),
    onLimiterError: vars.choice('ON_LIMITER_ERROR'),
    limiterTimeoutMs: vars.integer('LIMITER_TIMEOUT_MS'),
    limiterJurisdiction: vars.word('LIMITER_JURISDICTION', JURISDICTIONS),
    limiterLocation: vars.word('LIMITER_LOCATION', LOCATIONS),
    leaseMs: vars.integer('LEASE_SECONDS') * 1_000,
    leases: vars.choice('LEASES'),
    ipv6Prefix: vars.integer('IPV6_PREFIX'),
    exemptAddresses: readExemptAddresses(vars),
    rateLimitHeaders: vars.choice('RATELIMIT_HEADERS'),
    responses: readResponses(vars),
    corsOrigins: readCorsOrigins(vars),
    serverTiming: vars.choice('SERVER_TIMING') === 'true',
    abnormal: readAbnormal(vars),
    adminToken: vars.secretVar('ADMIN_TOKEN'),
    metricsToken: vars.secretVar('METRICS_TOKEN'),
    consoleHost: readConsoleHost(vars),
    logPath: vars.choice('LOG_PATH') === 'true',
    partitionSecret: vars.secretVar('PARTITION_SECRET'),
  };
};

const readExemptAddresses = (vars: Vars): readonly Network[] =>
  (vars.list('EXEMPT_ADDRESSES') ?? []).flatMap(
    (text) =>
      parseNetwork(text) ??
      vars.fail('EXEMPT_ADDRESSES', 'networks such as `192.0.2.0/24` or `2001:db8::/32`', text) ??
      [],
  );

/** Exactly as a browser sends them in `Origin`, or `*` alone. */
const readCorsOrigins = (vars: Vars): readonly string[] => {
  const origins = vars.list('CORS_ORIGINS') ?? [];
  if (origins.length === 1 && origins[0] === '*') return origins;
  for (const origin of origins.filter((each) => each.includes('*') || URL.parse(each)?.origin !== each))
    vars.fail('CORS_ORIGINS', 'origins such as `https://app.example.com`, or `*` alone', origin);
  return origins;
};

/** As a URL spells it: in lower case, and with a port unless it is the scheme's own. */
const readConsoleHost = (vars: Vars): string | undefined => {
  const host = vars.text('CONSOLE_HOST');
  if (host === undefined || URL.parse(`http://${host}/`)?.host === host) return host;
  return vars.fail('CONSOLE_HOST', 'a host name such as `console.example.com`, in lower case', host);
};

const readAbnormal = (vars: Vars): Config['abnormal'] => {
  const action = vars.choice('ABNORMAL_ACTION');
  const factor = vars.number('ABNORMAL_FACTOR', ABNORMAL_FACTOR);
  return factor === undefined ? undefined : { factor, action };
};
