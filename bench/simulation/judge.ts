// What a limit should have done, and what it did. Pure.
import type { Log } from './world.ts';

/** Permits above the quota in the busiest window; 0 if there was none. A window holds what came within `windowMs`. */
export const over = ({ passed }: Log, quota: number, windowMs: number): number => {
  const sorted = passed.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] ?? 0) <= at - windowMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return Math.max(0, most - quota);
};

/** How many would have passed if one all-knowing counter without distance had decided. */
export const ideal = ({ arrivals }: Log, quota: number, windowMs: number): number => {
  const passed: number[] = [];
  for (const at of arrivals) {
    const oldest = passed[passed.length - quota];
    if (oldest === undefined || oldest <= at - windowMs) passed.push(at);
  }
  return passed.length;
};
