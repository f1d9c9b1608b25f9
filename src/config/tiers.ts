// The tiers that change what a caller meets.
import type { Config } from './types.ts';

/** Those of `TIERS`, in their order, then those that routes alone name. Any other is whatever a token says, and counts as none. */
export const tiersOf = ({ policies, routes }: Pick<Config, 'policies' | 'routes'>): readonly string[] => [
  ...new Set([...policies.tiers.keys(), ...routes.flatMap(({ tierLimits }) => [...tierLimits.keys()])]),
];
