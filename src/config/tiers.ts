// The tiers that have limits of their own.
import type { Config } from './types.ts';

/** Those of `TIERS` in their order, then those that only routes name. Any other that a token names counts as none. */
export const tiersOf = ({ policies, routes }: Pick<Config, 'policies' | 'routes'>): readonly string[] => [
  ...new Set([...policies.tiers.keys(), ...routes.flatMap(({ tierLimits }) => [...tierLimits.keys()])]),
];

/** Whether a tier has limits of its own; looks, and makes no list, since every counted request comes this way. */
export const isTier = (tier: string, { policies, routes }: Pick<Config, 'policies' | 'routes'>): boolean =>
  policies.tiers.has(tier) || routes.some(({ tierLimits }) => tierLimits.has(tier));
