// Who comes most often, in bounded memory: Space-Saving (Metwally et al. 2005), evicting in batches.

/** A key, its count, and by how much the count may be too high. */
export type Ranked = readonly [key: string, count: number, error: number];

interface Entry {
  count: number;
  error: number;
}

/**
 * Counts the heaviest of any number of keys. No count is too low; one is too high by at most `error`, which is at most the
 * sum of all counts divided by `capacity`, so every key above that share is in.
 */
export class Sketch {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();
  /** The largest count ever dropped: what a key that is new here may have had before. */
  #floor = 0;

  /** @param capacity keys that survive an eviction, 1 or more; at most twice as many are held. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @param error by how much `count` may be too high already. */
  add(key: string, count = 1, error = 0): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += count;
      known.error += error;
      return;
    }
    this.#entries.set(key, { count: this.#floor + count, error: this.#floor + error });
    if (this.#entries.size > 2 * this.#capacity) this.#evict();
  }

  /** The heaviest keys, heaviest first. */
  top(count: number = this.#capacity): Ranked[] {
    return [...this.#entries]
      .map(([key, entry]): Ranked => [key, entry.count, entry.error])
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, count);
  }

  /** A key's count and error; undefined where it is not among the heaviest. */
  get(key: string): Readonly<Entry> | undefined {
    return this.#entries.get(key);
  }

  /** Half of the keys go at once, so that an addition costs a constant on average. */
  #evict(): void {
    const ranked = this.top(Number.POSITIVE_INFINITY);
    this.#floor = Math.max(this.#floor, ranked[this.#capacity]?.[1] ?? 0);
    for (const [key] of ranked.slice(this.#capacity)) this.#entries.delete(key);
  }
}
