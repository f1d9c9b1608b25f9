// A mount's options: the vars in camelCase, read by the same code, and where else its vars may come from.
import { parseConfig } from './config.ts';
import type { Config, Mode } from './types.ts';
import type { Env } from './vars.ts';

/** Several texts: comma-separated, or an array. */
type Texts = string | readonly string[];

type Algorithm = 'sliding-window' | 'gcra' | 'fixed-window';

/**
 * The vars of the README's table in camelCase, without `JWT_`: `LIMITS` is `limits`, `JWT_ISSUER` is `issuer`. Units, defaults
 * and bounds are those of the vars; tables and arrays have the same keys as there.
 */
export interface VarOptions {
  /** Exact `iss`. Without a key source, keys are discovered from it. */
  readonly issuer?: string;
  /** Accepted `aud` values. Default: any. */
  readonly audience?: Texts;
  /** Key set of the issuer: https, or http for loopback. */
  readonly jwksUrl?: string;
  /** SPKI PEM, JWK or JWKS. */
  readonly publicKey?: string | object;
  /** HMAC secret of at least 32 bytes; best bound as the secret `WEIR_JWT_SECRET`. */
  readonly secret?: string;
  /** Accepted beside `secret` while it is rotated. */
  readonly secretPrevious?: string;
  /** Accepted `alg` values. Default: by key source. */
  readonly algorithms?: Texts;
  /** Required `typ` header, such as `at+jwt`. */
  readonly typ?: string;
  /** How `secret` is written. Default `utf8`. */
  readonly secretEncoding?: 'utf8' | 'base64' | 'base64url';
  /** Claims a token must have, with the values accepted: `{ azp: ['web', 'ios'] }`. */
  readonly requiredClaims?: Readonly<Record<string, unknown>>;
  /** Where a token may stand, in order: `header:<name>`, `cookie:<name>`, `query:<name>`. Default `header:Authorization`. */
  readonly tokenSources?: Texts;
  /** `shadow`: a token that would be refused goes on without identity, and the log says so. Default `enforce`. */
  readonly authMode?: Mode;
  /** Several issuers; replaces the options of a single one. */
  readonly issuers?: readonly object[];
  /** For `exp`, `nbf` and `iat`; 0 to 300, default 5. */
  readonly clockToleranceSeconds?: number;
  /** Oldest accepted `iat`. Default: any. */
  readonly maxTokenAgeSeconds?: number;
  /** The claim that owns the quota. Default `sub`. */
  readonly subjectClaim?: Texts;
  /** The claims that hold scopes: the first that the token has. Default `scope, scp`. */
  readonly scopeClaim?: Texts;
  /** The claim that names the caller's tier. */
  readonly tierClaim?: string;
  /** How long a verified token is trusted; 0 to 86,400, default 300. */
  readonly tokenCacheSeconds?: number;
  /** Least time until a 401; 0 to 1,000, default 10. */
  readonly unauthorizedDelayMs?: number;
  /** `claim=Header, …`: claims that `proxy()` sends to the origin. */
  readonly claimHeaders?: Texts;
  /** Policies of a caller: `10/second; 1000/hour`. Default `100/minute`. */
  readonly limits?: string;
  /** Policies by tier, in place of `limits`. */
  readonly tiers?: Readonly<Record<string, string>>;
  /** Per address, for callers without identity. Default `60/minute`. */
  readonly anonymousLimits?: string;
  /** Per address, for CORS preflights. Default `600/minute`. */
  readonly preflightLimits?: string;
  /** Per address, for every request. */
  readonly ipLimits?: string;
  /** For all callers together. */
  readonly globalLimits?: string;
  /** Networks exempt from all limits but those by everyone: `192.0.2.0/24`. */
  readonly exemptAddresses?: Texts;
  /** Bits of an IPv6 address that count as one client; 32 to 128, default 64. */
  readonly ipv6Prefix?: number;
  /** `legacy`: `X-RateLimit-*` in place of the draft's fields. Default `standard`. */
  readonly ratelimitHeaders?: 'standard' | 'legacy' | 'both' | 'none';
  /** Own bodies of refusals, by status: `{ 429: { type: 'text/html', body: '…' } }`. */
  readonly responses?: Readonly<Record<string, { readonly type: string; readonly body: string }>>;
  /** Default `sliding-window`. */
  readonly algorithm?: Algorithm;
  /** As `ROUTES`. */
  readonly routes?: readonly object[];
  /** `shadow`: decide, report and log, never send a 429. Default `enforce`. */
  readonly mode?: Mode;
  /** What stands in for a Limiter that does not answer. Default `local`. */
  readonly onLimiterError?: 'local' | 'open' | 'closed';
  /** 1 to 30,000, default 1,000. */
  readonly limiterTimeoutMs?: number;
  /** Where Limiter objects may live. */
  readonly limiterJurisdiction?: string;
  /** Where new Limiter objects are made, such as `weur`: a hint, for callers who are all in one region. */
  readonly limiterLocation?: string;
  /** How long lent permits live, and how soon a revocation or override holds; 1 to 10, default 1. */
  readonly leaseSeconds?: number;
  /** `off`: every request asks the Limiter. Default `on`. */
  readonly leases?: 'on' | 'off';
  /** Origins that may read our refusals in a browser, or `*`. */
  readonly corsOrigins?: Texts;
  /** Our own milliseconds by step, in `Server-Timing`. */
  readonly serverTiming?: boolean;
  /** How many times a caller's own average is unusual; 2 to 1,000. */
  readonly abnormalFactor?: number;
  /** Default `report`. */
  readonly abnormalAction?: 'report' | 'deny';
  /** Turns the admin API on; at least 32 bytes, best bound as the secret `WEIR_ADMIN_TOKEN`. */
  readonly adminToken?: string;
  /** Names partitions in logs; at least 16 bytes, best bound as the secret `WEIR_PARTITION_SECRET`. */
  readonly partitionSecret?: string;
  /** May read `/.weir/metrics`; at least 32 bytes, best bound as the secret `WEIR_METRICS_TOKEN`. */
  readonly metricsToken?: string;
  /** The host at which the deployed Worker serves the console; nothing to a mount. */
  readonly consoleHost?: string;
  /** Log lines say which path was asked for, without its query. */
  readonly logPath?: boolean;
  /** Where `proxy()` sends requests. */
  readonly originUrl?: string;
  /** From the end of a request's body to the response's headers; 1 to 600,000, default 30,000. */
  readonly originTimeoutMs?: number;
  /** How long a client may send nothing of a body it has begun; 0 (for ever) to 600,000, default 30,000. */
  readonly uploadIdleTimeoutMs?: number;
  /** Sent to the origin in `X-Weir-Secret`; best bound as the secret `WEIR_ORIGIN_SECRET`. */
  readonly originSecret?: string;
  /** `false`: the origin does not see the token. Default `true`. */
  readonly forwardAuthorization?: boolean;
}

/** What `weir()`, `limit()`, `admin()` and `proxy()` take. */
export interface WeirOptions extends VarOptions {
  /** Part of the mount's counters, so that two mounts do not share a quota by accident. */
  readonly name?: string;
  /**
   * Where options that are not given are read from. `true`: the Worker's vars, under their own names; `false` (default): vars
   * whose names begin with `WEIR_`, since a host's own `MODE` is not ours.
   */
  readonly env?: boolean;
}

/**
 * Reads the configuration of a mount from its options and the Worker's vars.
 * @throws {ConfigError} that names every option and var at fault.
 */
export type ConfigSource = (env: Env) => Config;

const PREFIX = 'WEIR_';

/** How the configuration of a mount is read. @param tokens whether it verifies tokens; if not, it needs no keys. */
export const configSource = (
  { name, env: all = false, ...options }: WeirOptions,
  tokens = true,
): ConfigSource => {
  const given = new Map(Object.entries(options).map(([option, value]) => [varOf(option), { option, value }]));
  const nameOf = (variable: string) => given.get(variable)?.option ?? (all ? variable : PREFIX + variable);
  return (env) => {
    const vars = new Map(Object.entries(varsOf({ env: all }, env)));
    for (const [variable, { value }] of given) vars.set(variable, textOf(value));
    return parseConfig(Object.fromEntries(vars), { nameOf, mount: name, tokens });
  };
};

/** Options whose vars begin with `JWT_`. */
const OF_TOKENS = /^(issuer|audience|publicKey|secret|secretPrevious|algorithms|typ|secretEncoding)$/;

/** `limits` -> `LIMITS`, `issuer` and `jwtIssuer` -> `JWT_ISSUER`. */
export const varOf = (option: string): string =>
  (OF_TOKENS.test(option) ? 'JWT_' : '') + option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Vars hold texts where options may hold numbers and booleans. */
const textOf = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;

/** The vars that a mount reads, under their own names; bindings may be among them. */
export const varsOf = ({ env: all = false }: Pick<WeirOptions, 'env'>, env: Env): Env =>
  all ? env : prefixed(env);

/** The vars that are named `WEIR_<VAR>`, under their own names. */
const prefixed = (env: Env): Env =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
