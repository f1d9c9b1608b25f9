// Permits that are out on loan: charged already, but they may come back unused. By counter, with when each loan ends. No
// clock, no I/O.

/** Ends are kept to this, so that a counter has a few entries however many loans it has. */
const SLICE_MS = 50;

/** A return sets out when its loan ends; it is waited for so long. */
export const RETURN_MS = 50;

const sliceOf = (end: number): number => Math.ceil((end + RETURN_MS) / SLICE_MS);

/** Permits that can have come back by `end`. */
export interface Loan {
  readonly end: number;
  readonly permits: number;
}

/** When so many permits can have come back, if all do; undefined where fewer are out. */
export const backAt = (loans: readonly Loan[], permits: number): number | undefined => {
  let back = 0;
  return loans
    .toSorted((a, b) => a.end - b.end)
    .find((loan) => {
      back += loan.permits;
      return back >= permits;
    })?.end;
};

/** What is lent of one partition's counters. */
export class Loans {
  /** Permits by the slice of time in which the last of them can come back. */
  readonly #counters = new Map<string, Map<number, number>>();

  lend(counter: string, end: number, permits: number): void {
    const slices = this.#counters.get(counter) ?? new Map<number, number>();
    this.#counters.set(counter, slices);
    slices.set(sliceOf(end), (slices.get(sliceOf(end)) ?? 0) + permits);
  }

  /** Of what was lent until `end`, so many permits are back, or known to be used. */
  settle(counter: string, end: number, permits: number): void {
    const slices = this.#counters.get(counter);
    const out = (slices?.get(sliceOf(end)) ?? 0) - permits;
    if (out > 0) slices?.set(sliceOf(end), out);
    else slices?.delete(sliceOf(end));
  }

  /** Permits that may still come back. */
  out(counter: string, now: number): number {
    let permits = 0;
    for (const lent of this.#live(counter, now).values()) permits += lent;
    return permits;
  }

  /** Each with when it is back at the latest. */
  list(counter: string, now: number): Loan[] {
    return [...this.#live(counter, now)].map(([slice, permits]) => ({ end: slice * SLICE_MS, permits }));
  }

  #live(counter: string, now: number): ReadonlyMap<number, number> {
    const slices = this.#counters.get(counter);
    if (slices === undefined) return new Map();
    for (const slice of slices.keys()) if (slice * SLICE_MS <= now) slices.delete(slice);
    if (slices.size === 0) this.#counters.delete(counter);
    return slices;
  }
}
