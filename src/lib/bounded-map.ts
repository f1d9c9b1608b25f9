// A Map of bounded size, for caches that a client's input could otherwise fill.

/** Keeps the newest entries that fit; one more drops the oldest. Setting a key again makes it the newest. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #capacity: number;
  readonly #maxWeight: number;
  readonly #weigh: (key: K, value: V) => number;
  #weight = 0;

  /**
   * @param capacity entries, 1 or more.
   * @param maxWeight of all entries together, as `weigh` weighs them.
   * @param weigh must give an entry the same weight each time.
   */
  constructor(
    capacity: number,
    maxWeight = Number.POSITIVE_INFINITY,
    weigh: (key: K, value: V) => number = () => 0,
  ) {
    this.#capacity = capacity;
    this.#maxWeight = maxWeight;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Oldest first. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Oldest first. */
  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#weight += this.#weigh(key, value);
    while (this.#entries.size > this.#capacity || this.#weight > this.#maxWeight) this.#dropOldest();
  }

  delete(key: K): void {
    if (!this.#entries.has(key)) return;
    this.#weight -= this.#weigh(key, this.#entries.get(key) as V);
    this.#entries.delete(key);
  }

  #dropOldest(): void {
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }
}
