// Every var with a plain value: its default, unit and bounds. The one place for defaults.
import { type Algorithm, algorithms } from '../limiter/algorithms/index.ts';

/** A number from `min` to `max`, whole unless `decimals` may follow; the unit is in the var's name. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly decimals?: boolean;
}

export const INTEGERS = {
  /** Bits of an IPv6 address that count as one client; one commonly holds a whole /64. */
  IPV6_PREFIX: { fallback: 64, min: 32, max: 128 },
  /** From the end of a request's body to the response's headers; at most 10 minutes. */
  ORIGIN_TIMEOUT_MS: { fallback: 30_000, min: 1, max: 600_000 },
  /** How long a client may send nothing of a body it has begun; 0: for ever. At most 10 minutes. */
  UPLOAD_IDLE_TIMEOUT_MS: { fallback: 30_000, min: 0, max: 600_000 },
  /** For `exp`, `nbf` and `iat`; clocks further apart than 5 minutes are broken. */
  CLOCK_TOLERANCE_SECONDS: { fallback: 5, min: 0, max: 300 },
  /** 0 turns the cache off; at most a day, since it is also how long a lost key may linger. */
  TOKEN_CACHE_SECONDS: { fallback: 300, min: 0, max: 86_400 },
  /** Counted from the request's arrival. Every refused connection stays open as long, so at most a second. */
  UNAUTHORIZED_DELAY_MS: { fallback: 10, min: 0, max: 1_000 },
  /** Also how soon a revocation or override holds, so no longer than an operator would wait. */
  LEASE_SECONDS: { fallback: 1, min: 1, max: 10 },
  /** At most what a client commonly waits for an answer. */
  LIMITER_TIMEOUT_MS: { fallback: 1_000, min: 1, max: 30_000 },
} satisfies Readonly<Record<string, Bounds & { readonly fallback: number }>>;

/** Oldest accepted `iat`; at most 10 years of 360 days. */
export const MAX_TOKEN_AGE_SECONDS: Bounds = { min: 1, max: 311_040_000 };

/** One of these words; the first is the default. */
export const CHOICES = {
  ALGORITHM: Object.keys(algorithms) as [Algorithm, ...Algorithm[]],
  MODE: ['enforce', 'shadow'],
  AUTH_MODE: ['enforce', 'shadow'],
  JWT_SECRET_ENCODING: ['utf8', 'base64', 'base64url'],
  ON_LIMITER_ERROR: ['local', 'open', 'closed'],
  LEASES: ['on', 'off'],
  RATELIMIT_HEADERS: ['standard', 'legacy', 'both', 'none'],
  ABNORMAL_ACTION: ['report', 'deny'],
  FORWARD_AUTHORIZATION: ['true', 'false'],
  SERVER_TIMING: ['false', 'true'],
  LOG_PATH: ['false', 'true'],
} as const;

export const JURISDICTIONS = ['eu', 'us', 'fedramp'] as const;

/** Where the platform may be asked to put a new object: Cloudflare's names of regions. */
export const LOCATIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;

/** Texts with a default; the notations are described where they are parsed. */
export const TEXTS = {
  CLAIM_HEADERS: 'sub=X-Auth-Subject',
  SUBJECT_CLAIM: 'sub',
  /** RFC 8693 section 4.2, and what some issuers call the same. */
  SCOPE_CLAIM: 'scope, scp',
  TOKEN_SOURCES: 'header:Authorization',
  LIMITS: '100/minute',
  ANONYMOUS_LIMITS: '60/minute',
  PREFLIGHT_LIMITS: '600/minute',
} as const;

/** A token of HTTP (RFC 9110 section 5.6.2), as the names of headers and cookies are. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Defaults of a route. */
export const ROUTE = { auth: 'required', cost: 1, override_defaults: false } as const;

/** Times a subject's own moving average; decimals allowed. Below 2 everyone is unusual now and then. */
export const ABNORMAL_FACTOR: Bounds = { min: 2, max: 1_000, decimals: true };

/** What a secret must be. */
export interface SecretBounds {
  readonly minBytes: number;
  /** Sent in a header, so only printable ASCII without spaces will do. */
  readonly visible: boolean;
}

/** Every var that is a secret: nothing prints its value, and `npm run check` refuses it in `[vars]`. */
export const SECRETS = {
  /** As long as the shortest hash; for a longer one see `issuer.ts`. */
  JWT_SECRET: { minBytes: 32, visible: false },
  JWT_SECRET_PREVIOUS: { minBytes: 32, visible: false },
  ORIGIN_SECRET: { minBytes: 16, visible: true },
  ADMIN_TOKEN: { minBytes: 32, visible: true },
  PARTITION_SECRET: { minBytes: 16, visible: false },
  METRICS_TOKEN: { minBytes: 32, visible: true },
} satisfies Readonly<Record<string, SecretBounds>>;

export type SecretVar = keyof typeof SECRETS;

/** Kinds of keys, each with its own algorithms: no key is ever used for the other kind's (RFC 8725 section 3.1). */
export type Family = 'secret' | 'public';

interface Algorithms {
  readonly known: readonly string[];
  /** Accepted unless `JWT_ALGORITHMS` says otherwise. */
  readonly usual: readonly string[];
}

/** Signature algorithms, by the keys they take: a shared secret, or public keys that Web Crypto verifies with on Workers. */
export const ALGORITHMS: Readonly<Record<Family, Algorithms>> = {
  secret: { known: ['HS256', 'HS384', 'HS512'], usual: ['HS256'] },
  public: {
    known: [
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
      'Ed25519',
    ],
    usual: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
  },
};
