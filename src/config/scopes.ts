// The vars that hold limits: what each one's policies count by, and how they are named.
import { ADDRESS, CALLER, EVERYONE, type Key } from '../partition.ts';

interface LimitsVar {
  readonly variable: string;
  /** What its policies count by where the notation does not say. */
  readonly key: Key;
  /** Whether the notation may say otherwise. */
  readonly keyed: boolean;
  /** Whether an operator's override replaces its policies. */
  readonly own: boolean;
  /** Whether names of its policies begin with its scope; those of the caller's own policies do not. */
  readonly named: boolean;
}

/** By scope, with which names of counters begin. No route may have such a name: it would share these counters. */
export const SCOPES = {
  default: { variable: 'LIMITS', key: CALLER, keyed: true, own: true, named: false },
  anonymous: { variable: 'ANONYMOUS_LIMITS', key: CALLER, keyed: true, own: true, named: false },
  preflight: { variable: 'PREFLIGHT_LIMITS', key: CALLER, keyed: true, own: false, named: true },
  ip: { variable: 'IP_LIMITS', key: ADDRESS, keyed: false, own: false, named: true },
  global: { variable: 'GLOBAL_LIMITS', key: EVERYONE, keyed: false, own: true, named: true },
} as const satisfies Readonly<Record<string, LimitsVar>>;

/** Who set a policy: a var (`default` for `LIMITS`, `TIERS` and an override) or the route of that name. */
export type Scope = keyof typeof SCOPES | (string & {});

/** The limits of a route: as `LIMITS`, but named after the route, and not replaced by overrides. */
const ROUTE: Omit<LimitsVar, 'variable'> = { key: CALLER, keyed: true, own: false, named: true };

export const termsOf = (scope: Scope): Omit<LimitsVar, 'variable'> =>
  Object.hasOwn(SCOPES, scope) ? SCOPES[scope as keyof typeof SCOPES] : ROUTE;
