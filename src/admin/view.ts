// What the admin API shows: a partition's state and the effective configuration, as JSON for people and scripts.
import type { Config } from '../config/types.ts';
import type { State } from '../limiter/limiter.ts';

/** The latest time that a Date can hold. */
const MAX_TIME = 8.64e15;

/** Null for what never happened or never ends. */
const time = (ms = Number.POSITIVE_INFINITY): string | null =>
  ms > MAX_TIME ? null : new Date(ms).toISOString();

export const stateView = ({ policies, standing, firstSeen, lastSeen }: State) => ({
  policies: policies.map(({ policy: { name, algorithm, quota, windowMs }, decision }) => ({
    name,
    algorithm,
    quota,
    windowSeconds: windowMs / 1000,
    remaining: decision.remaining,
    resetSeconds: Math.ceil(decision.resetMs / 1000),
  })),
  override: overrideView(standing?.override),
  revoked: {
    before: time(standing?.before?.before),
    until: time(standing?.before?.until),
    jtis: (standing?.jtis ?? []).map(({ jti, until }) => ({ jti, until: time(until) })),
  },
  firstSeen: time(firstSeen),
  lastSeen: time(lastSeen),
});

const overrideView = (override: NonNullable<State['standing']>['override']) => {
  if (override === undefined) return null;
  const { limits, since, until, reason } = override;
  return { limits, since: time(since), until: time(until), reason };
};

/** The configuration in force, with policies by name, and of a secret only whether it is set. */
export const configView = (config: Config): string => JSON.stringify(config, masked);

const masked = (_: string, value: unknown): unknown => {
  if (value === undefined) return null;
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  // The query of a key set's URL may hold a key.
  if (typeof value === 'string') return value.replace(/(?<=^https?:[^?]*\?).*/, '***');
  return isPolicy(value) ? shownPolicy(value) : value;
};

const shownPolicy = ({ name, algorithm }: ShownPolicy): string =>
  algorithm === undefined ? name : `${name} (${algorithm})`;

interface ShownPolicy {
  readonly name: string;
  /** Undefined for requests in flight. */
  readonly algorithm?: string;
}

const isPolicy = (value: unknown): value is ShownPolicy =>
  typeof value === 'object' && value !== null && 'counter' in value;
