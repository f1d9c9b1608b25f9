// What the vars say, once read: the types that the rest of Weir works with. No code.
import type { Secret } from '../lib/secret.ts';
import type { Algorithm } from '../limiter/algorithms/index.ts';
import type { Policy } from '../limiter/policy.ts';
import type { JURISDICTIONS, LOCATIONS } from './settings.ts';

export type Mode = 'enforce' | 'shadow';

/** One trusted issuer and its keys. Exactly one key source is set. */
export interface Issuer {
  /** Exact `iss`; undefined: not checked (single issuer with a key source and no `JWT_ISSUER`). */
  readonly issuer: string | undefined;
  /** Accepted `aud` values; empty: not checked. */
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** Required `typ` header. */
  readonly typ: string | undefined;
  readonly keys: KeySource;
}

export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string }
  | { readonly kind: 'discovery'; readonly issuer: string }
  /** Unparsed SPKI PEM, JWK or JWKS JSON (its shape was checked). */
  | { readonly kind: 'public'; readonly key: string }
  /** Current secret first; UTF-8 bytes are the key. */
  | { readonly kind: 'secret'; readonly secrets: readonly Secret[] };

export interface TokenConfig {
  readonly issuers: readonly Issuer[];
  readonly clockToleranceSeconds: number;
  readonly maxAgeSeconds: number | undefined;
  /** Path of the claim that owns the quota: `['sub']`, `['org', 'id']`. */
  readonly subjectClaim: readonly string[];
  readonly tierClaim: readonly string[] | undefined;
  readonly cacheSeconds: number;
  readonly unauthorizedDelayMs: number;
}

/** A claim that is sent to the origin as a header. */
export interface ClaimHeader {
  readonly claim: readonly string[];
  readonly header: string;
}

export interface OriginConfig {
  /** Undefined: the `ORIGIN` service binding if bound, else the zone's own origin. */
  readonly url: URL | undefined;
  readonly timeoutMs: number;
  readonly secret: Secret | undefined;
  readonly forwardAuthorization: boolean;
}

/** Policies by whom they are for, before any route. */
export interface Policies {
  readonly default: readonly Policy[];
  readonly tiers: ReadonlyMap<string, readonly Policy[]>;
  readonly anonymous: readonly Policy[];
  readonly preflight: readonly Policy[];
  readonly ip: readonly Policy[];
  readonly global: readonly Policy[];
}

export interface Route {
  readonly name: string;
  /** URLPattern pathname; undefined for the defaults, which match everything. */
  readonly match: string | undefined;
  /** Upper case; undefined: every method. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly auth: 'required' | 'optional' | 'none';
  /** Added to the caller's default policies; `none` exempts the route from all but the global ones. */
  readonly limits: readonly Policy[] | 'none';
  /** Permits one request spends, 1 or more. */
  readonly cost: number;
  readonly scopes: readonly string[];
  readonly mode: Mode;
}

export interface Config {
  readonly tokens: TokenConfig;
  readonly origin: OriginConfig;
  readonly claimHeaders: readonly ClaimHeader[];
  readonly policies: Policies;
  /** Of every policy whose route does not say otherwise. */
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
  readonly leases: boolean;
  /** Origins that may read our refusals; `*` alone for any; empty: no CORS headers. */
  readonly corsOrigins: readonly string[];
  readonly serverTiming: boolean;
  readonly abnormal: { readonly factor: number; readonly action: 'report' | 'deny' } | undefined;
  readonly adminToken: Secret | undefined;
  readonly partitionSecret: Secret | undefined;
}
