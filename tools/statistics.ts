// Quantiles, and whether samples can be told apart. What the audit, the benchmark and the tests measure by. Pure.

export interface Comparison {
  /** Largest distance between the two empirical distribution functions, 0 to 1. */
  readonly distance: number;
  /** Probability of such a distance if both samples came from one distribution (two-sample Kolmogorov-Smirnov). */
  readonly p: number;
  /** Hodges-Lehmann shift: the median of all differences, second minus first, in the unit of the samples. */
  readonly shift: number;
}

/** Compares two samples; every pair of values is looked at, so samples are at most some hundred values each. */
export const compare = (first: readonly number[], second: readonly number[]): Comparison => ({
  distance: ksDistance(first, second),
  p: ksProbability(first, second),
  shift: median(first.flatMap((a) => second.map((b) => b - a))),
});

/** Largest distance between the two empirical distribution functions, 0 to 1. */
export const ksDistance = (a: readonly number[], b: readonly number[]): number => {
  const [x, y] = [a.toSorted(ascending), b.toSorted(ascending)];
  let [i, j, most] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const value = Math.min(x[i] ?? Infinity, y[j] ?? Infinity);
    while (i < x.length && x[i] === value) i += 1;
    while (j < y.length && y[j] === value) j += 1;
    most = Math.max(most, Math.abs(i / x.length - j / y.length));
  }
  return most;
};

/** Below this the series does not converge, and the probability is 1 to ten digits. */
const LEAST_LAMBDA = 0.2;

/** Probability of so large a distance between samples of one distribution (asymptotic, Stephens 1970). */
export const ksProbability = (a: readonly number[], b: readonly number[]): number => {
  const size = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (size + 0.12 + 0.11 / size) * ksDistance(a, b);
  let tail = 0;
  for (let k = 1; k <= 100; k += 1) tail += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * (k * lambda) ** 2);
  return lambda < LEAST_LAMBDA ? 1 : Math.min(1, Math.max(0, tail));
};

/** Holm (1979): probabilities adjusted for all of them being looked at, in the order given. */
export const holm = (probabilities: readonly number[]): number[] => {
  const order = [...probabilities.entries()].toSorted(([, a], [, b]) => a - b);
  const adjusted = Array<number>(probabilities.length).fill(1);
  let most = 0;
  for (const [rank, [i, probability]] of order.entries()) {
    most = Math.max(most, Math.min(1, (order.length - rank) * probability));
    adjusted[i] = most;
  }
  return adjusted;
};

/**
 * The value below which `share` of the values lie, interpolated between two neighbours.
 * @param share 0 to 1: 0.5 is the median.
 * @returns NaN where there are no values.
 */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted(ascending);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
};

/** The middle value, or the mean of the two in the middle; NaN where there are no values. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const ascending = (a: number, b: number): number => a - b;
