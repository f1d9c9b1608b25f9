// A Map of bounded size, for caches that a client's input could otherwise fill.

/** Characters of all keys of a map together, unless it weighs otherwise: however long a client makes each of them. */
const MAX_CHARS = 8_388_608;

const charsOf = (key: unknown): number => (typeof key === 'string' ? key.length : 0);

/** Keeps the newest entries that fit; one more drops the oldest. Setting a key again makes it the newest. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #capacity: number;
  readonly #maxWeight: number;
  readonly #weigh: (key: K, value: V) => number;
  #weight = 0;

  /**
   * @param capacity entries, 1 or more.
   * @param maxWeight of all entries together, as `weigh` weighs them; default 8,388,608.
   * @param weigh must give an entry the same weight each time; default: the characters of its key.
   */
  constructor(capacity: number, maxWeight = MAX_CHARS, weigh: (key: K, value: V) => number = charsOf) {
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
