// What the vars say, once read: the types that the rest of Weir works with. No code.
import type { Network } from '../lib/address.ts';
import type { Secret } from '../lib/secret.ts';
import type { Algorithm } from '../limiter/algorithms/index.ts';
import type { Policy, SlotPolicy } from '../limiter/policy.ts';
import type { Key } from '../partition.ts';
import type { CHOICES, JURISDICTIONS, LOCATIONS } from './settings.ts';

export type Mode = 'enforce' | 'shadow';

/** Where a claim stands: `['sub']`, `['org', 'id']`. */
export type ClaimPath = readonly string[];

/** A claim that a token must have: one of these values, or an array that holds one. */
export interface RequiredClaim {
  readonly claim: ClaimPath;
  /** As text: `true` and `"true"` are one. */
  readonly values: readonly string[];
}

/** One trusted issuer, its keys, and what its tokens must say. */
export interface Issuer {
  /**
   * Names the issuer's subjects, and is an accepted `iss`. May hold `{tid}`, for that claim of the token. Undefined: `iss`
   * is not checked (single issuer with a key source and no `JWT_ISSUER`).
   */
  readonly issuer: string | undefined;
  /** Other accepted spellings of it. */
  readonly spellings: readonly string[];
  /** Accepted `aud` values; empty: not checked. */
  readonly audience: readonly string[];
  readonly claims: readonly RequiredClaim[];
  /** Accepted `alg` values, of every family that has a key source. */
  readonly algorithms: readonly string[];
  /** Required `typ` header. */
  readonly typ: string | undefined;
  /** At least one; each verifies the algorithms of its own family. */
  readonly keys: readonly KeySource[];
}

export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string }
  /** `accepted`: what its metadata may call the issuer. */
  | { readonly kind: 'discovery'; readonly issuer: string; readonly accepted: readonly string[] }
  /** PEM, or JSON of a JWK, a JWKS or a table of certificates, unparsed (its shape was checked). */
  | { readonly kind: 'public'; readonly key: string }
  /** Current secret first. */
  | {
      readonly kind: 'secret';
      readonly secrets: readonly Secret[];
      /** How the bytes of the key are written. */
      readonly encoding: SecretEncoding;
    };

export type SecretEncoding = 'utf8' | 'base64' | 'base64url';

/** Where a request may hold its token. A header's name is in lower case. */
export interface TokenSource {
  readonly kind: 'header' | 'cookie' | 'query';
  readonly name: string;
}

export interface TokenConfig {
  readonly issuers: readonly Issuer[];
  /** In order: the first that holds something counts. */
  readonly sources: readonly TokenSource[];
  /** `shadow`: no token is refused; the log says which would have been. */
  readonly mode: Mode;
  readonly clockToleranceSeconds: number;
  readonly maxAgeSeconds: number | undefined;
  /** The first of them that is present and not empty owns the quota. */
  readonly subjectClaims: readonly ClaimPath[];
  /** The first of them that is present and not empty holds the scopes. */
  readonly scopeClaims: readonly ClaimPath[];
  readonly tierClaim: ClaimPath | undefined;
  readonly cacheSeconds: number;
  readonly unauthorizedDelayMs: number;
  /** Dotted paths of the claims that limits count by. */
  readonly keyClaims: readonly string[];
}

/** A claim that is sent to the origin as a header. */
export interface ClaimHeader {
  readonly claim: ClaimPath;
  readonly header: string;
}

export interface OriginConfig {
  /** Undefined: the `ORIGIN` service binding if bound, else the zone's own origin. */
  readonly url: URL | undefined;
  readonly timeoutMs: number;
  /** 0: off. */
  readonly uploadIdleMs: number;
  readonly secret: Secret | undefined;
  readonly forwardAuthorization: boolean;
}

/** A policy, and whose counters it spends from. */
export interface KeyedPolicy extends Policy {
  readonly key: Key;
}

/** A policy of requests in flight, and whose counters it takes slots from. */
export interface KeyedSlotPolicy extends SlotPolicy {
  readonly key: Key;
  /** Whether it is one of the partition's own, in whose place an operator's other limits stand. */
  readonly own: boolean;
}

/** How a policy was configured. */
interface Configured {
  /** `shadow`: it is decided and reported, and refuses nobody. */
  readonly mode: Mode;
}

/** A policy over a window as it was configured. */
export interface WindowLimit extends KeyedPolicy, Configured {
  /** Permits one request spends of it; undefined: the cost of whatever route the request meets. */
  readonly cost: number | undefined;
}

/** A policy of requests in flight as it was configured. A request takes one slot, whatever it costs. */
export interface SlotLimit extends KeyedSlotPolicy, Configured {}

export type Limit = WindowLimit | SlotLimit;

/** Limits by whom they are for, before any route. */
export interface Policies {
  readonly default: readonly Limit[];
  readonly tiers: ReadonlyMap<string, readonly Limit[]>;
  readonly anonymous: readonly Limit[];
  readonly preflight: readonly Limit[];
  readonly ip: readonly Limit[];
  readonly global: readonly Limit[];
}

/** What a route adds to the caller's own limits; `none` exempts its requests from all limits but those by everyone. */
export type RouteLimits = readonly Limit[] | 'none';

export interface Route {
  readonly name: string;
  /** URLPattern pathname; undefined for the defaults, which match everything. */
  readonly match: string | undefined;
  /** Upper case; undefined: every method. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly auth: 'required' | 'optional' | 'none';
  /** Of callers whose tier is not in `tierLimits`. */
  readonly limits: RouteLimits;
  readonly tierLimits: ReadonlyMap<string, RouteLimits>;
  /** Whether the route's limits replace the caller's own (only those `by route`, if there are any) instead of adding to them. */
  readonly overrideDefaults: boolean;
  /** Permits one request spends, 1 or more. */
  readonly cost: number;
  /** Statuses that spend, such as `401` and `5xx`; undefined: all but our own for an origin that failed. */
  readonly count: readonly string[] | undefined;
  /** The field of the origin's response that tells what a request really cost, in lower case. */
  readonly costHeader: string | undefined;
  readonly scopes: readonly string[];
  /** Of the route's own limits. */
  readonly mode: Mode;
  /** The routes whose demands it combines; undefined for one that stands in `ROUTES`. */
  readonly members: readonly Route[] | undefined;
}

/** The body of a refusal, as an operator wrote it. */
export interface OwnBody {
  /** A media type. */
  readonly type: string;
  readonly body: string;
}

export interface Config {
  readonly tokens: TokenConfig;
  readonly origin: OriginConfig;
  readonly claimHeaders: readonly ClaimHeader[];
  readonly policies: Policies;
  /** The algorithm of every policy whose route does not say otherwise. */
  readonly algorithm: Algorithm;
  /** In the order of `ROUTES`; the first match wins. */
  readonly routes: readonly Route[];
  /** What applies where no route matches. */
  readonly defaultRoute: Route;
  readonly onLimiterError: 'local' | 'open' | 'closed';
  readonly limiterTimeoutMs: number;
  readonly limiterJurisdiction: (typeof JURISDICTIONS)[number] | undefined;
  /** Where a Limiter is made that does not exist yet; undefined: near its first caller. */
  readonly limiterLocation: (typeof LOCATIONS)[number] | undefined;
  /** A lease's life, and for how long an isolate acts on what it knows of revocations and overrides. */
  readonly leaseMs: number;
  readonly leases: 'on' | 'off';
  /** Bits of an IPv6 address that count as one client. */
  readonly ipv6Prefix: number;
  /** Networks exempt from all limits but those by everyone. */
  readonly exemptAddresses: readonly Network[];
  readonly rateLimitHeaders: (typeof CHOICES.RATELIMIT_HEADERS)[number];
  /** Own bodies by status. */
  readonly responses: ReadonlyMap<number, OwnBody>;
  /** Origins that may read our refusals; `*` alone for any; empty: no CORS headers. */
  readonly corsOrigins: readonly string[];
  readonly serverTiming: boolean;
  readonly abnormal: { readonly factor: number; readonly action: 'report' | 'deny' } | undefined;
  readonly adminToken: Secret | undefined;
  /** May read the metrics and nothing else. */
  readonly metricsToken: Secret | undefined;
  /** `host` or `host:port` at which the console is served, and nothing else; undefined: nowhere. */
  readonly consoleHost: string | undefined;
  /** Whether log lines say which path was asked for. */
  readonly logPath: boolean;
  readonly partitionSecret: Secret | undefined;
}
