// The algorithms there are: the vars, the notation and the counters know those that stand here. The first is the default.
import { fixedWindow } from './fixed-window.ts';
import { gcra } from './gcra.ts';
import { slidingWindow } from './sliding-window.ts';

export const algorithms = { 'sliding-window': slidingWindow, gcra, 'fixed-window': fixedWindow } as const;

export type Algorithm = keyof typeof algorithms;
