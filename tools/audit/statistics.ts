// Whether two sets of times come from one source, and by how many milliseconds they differ. Pure.

export interface Comparison {
  /** Largest distance between the two empirical distribution functions, 0 to 1. */
  readonly distance: number;
  /** Chance of such a distance if both came from one source (two-sample Kolmogorov-Smirnov). */
  readonly p: number;
  /** Hodges-Lehmann shift: the median of all differences, second minus first, in the unit of the samples. */
  readonly shift: number;
}

export const compare = (first: readonly number[], second: readonly number[]): Comparison => {
  const distance = largestGap(sorted(first), sorted(second));
  const effective = (first.length * second.length) / (first.length + second.length);
  return { distance, p: tail(distance, effective), shift: shiftOf(first, second) };
};

export const median = (values: readonly number[]): number => {
  const order = sorted(values);
  const middle = order.length >> 1;
  const upper = order[middle] ?? Number.NaN;
  return order.length % 2 === 1 ? upper : (upper + (order[middle - 1] ?? Number.NaN)) / 2;
};

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

const largestGap = (first: readonly number[], second: readonly number[]): number =>
  Math.max(0, ...[...first, ...second].map((x) => Math.abs(shareUpTo(first, x) - shareUpTo(second, x))));

const shareUpTo = (values: readonly number[], x: number): number =>
  values.filter((value) => value <= x).length / values.length;

/** The Kolmogorov distribution's tail with Stephens' correction for small samples (Numerical Recipes 14.3). */
const tail = (distance: number, effective: number): number => {
  const root = Math.sqrt(effective);
  const lambda = (root + 0.12 + 0.11 / root) * distance;
  if (lambda < 0.3) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, sum));
};

const shiftOf = (first: readonly number[], second: readonly number[]): number =>
  median(first.flatMap((a) => second.map((b) => b - a)));
