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

/** So much of what an all-knowing counter would have passed may be lost with leases, beyond what is lost without. */
const MOST_LOST = 0.005;

/** What `losses` reads of a run. */
interface Judged {
  readonly pattern: string;
  readonly faults: boolean;
  readonly leases: boolean;
  /** Share of what one all-knowing counter would have passed. */
  readonly underAdmitted: number;
}

/** Where leases refuse too many that pass without: a line for each pattern, calm or with faults. */
export const losses = (results: readonly Judged[]): string[] =>
  results
    .filter(({ leases }) => leases)
    .flatMap(({ pattern, faults, underAdmitted }) => {
      const without = results.find(
        (other) => !other.leases && other.pattern === pattern && other.faults === faults,
      );
      const lost = underAdmitted - (without?.underAdmitted ?? Number.NaN);
      if (lost <= MOST_LOST) return [];
      const [points, most] = [lost, MOST_LOST].map((share) => (share * 100).toFixed(2));
      return `${pattern}${faults ? ' with faults' : ''}: leases lose ${points} points more than LEASES=off, at most ${most}`;
    });
