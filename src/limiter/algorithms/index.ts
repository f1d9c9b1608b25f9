// The algorithms there are: the vars, the notation and the counters know those that stand here. The first is the default.
import type { Sharing } from '../arithmetic.ts';
import { fixedWindow } from './fixed-window.ts';
import { gcra } from './gcra.ts';
import { slidingWindow } from './sliding-window.ts';

export const algorithms = { 'sliding-window': slidingWindow, gcra, 'fixed-window': fixedWindow } as const;

export type Algorithm = keyof typeof algorithms;

/** Only the algorithm that made a state, a charge or uses reads them. */
type AnySharing = Sharing<unknown, unknown, unknown>;

/** How permits of an algorithm are lent by rate; undefined where they are not. */
export const sharingOf = (algorithm: Algorithm): AnySharing | undefined =>
  algorithms[algorithm].sharing as AnySharing | undefined;
