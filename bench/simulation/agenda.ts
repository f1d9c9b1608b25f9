// What is to happen when: a binary heap of deeds, earliest first, in the order they were added where times are equal.

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly deed: () => void;
}

export class Agenda {
  now = 0;
  readonly #heap: Entry[] = [];
  #added = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** @param at milliseconds; not before now. */
  add(at: number, deed: () => void): void {
    this.#heap.push({ at: Math.max(at, this.now), order: this.#added++, deed });
    this.#rise(this.#heap.length - 1);
  }

  /** Runs everything due until `end`; what is later stays undone. */
  runUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst();
      this.now = next.at;
      next.deed();
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #sink(from: number): void {
    for (let i = from; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      const child = this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, i)) return;
      this.#swap(i, child);
      i = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined) return false;
    return y === undefined || x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x !== undefined && y !== undefined) [this.#heap[a], this.#heap[b]] = [y, x];
  }
}
