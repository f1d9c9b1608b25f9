// Chance that repeats itself: everything drawn from one seed.

export interface Random {
  /** From 0 up to 1. */
  unit(): number;
  /** A whole number below `end`. */
  below(end: number): number;
  /** Time until the next of events that come `perSecond` on average, independent of each other; milliseconds. */
  gapMs(perSecond: number): number;
}

/** Mulberry32: 32 bits of state, even enough for queues and dice. */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    unit,
    below: (end) => Math.floor(unit() * end),
    gapMs: (perSecond) => (-Math.log(1 - unit()) * 1_000) / perSecond,
  };
};

/** Draws ranks from 0 by Zipf's law: the one of rank `k` comes in proportion to `1 / (k + 1) ** exponent`. */
export const zipf = (random: Random, ranks: number, exponent: number): (() => number) => {
  const upTo = new Float64Array(ranks);
  let sum = 0;
  for (let rank = 0; rank < ranks; rank++) {
    sum += (rank + 1) ** -exponent;
    upTo[rank] = sum;
  }
  return () => firstAbove(upTo, random.unit() * sum);
};

const firstAbove = (sorted: Float64Array, value: number): number => {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
};
