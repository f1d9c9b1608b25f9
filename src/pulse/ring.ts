// Rows of counts by time, as many as fit: a second or a minute each.
import { COLUMNS, indexOf, type Row } from './columns.ts';

/** A ring as it is stored. Columns by name, since versions differ in them. */
export interface StoredRing {
  readonly columns: readonly string[];
  /** Number of the newest slot since the epoch. */
  readonly newest: number;
  readonly counts: Uint32Array;
}

const WIDTH = COLUMNS.length;

export class Ring {
  readonly #stepMs: number;
  readonly #size: number;
  readonly #counts: Uint32Array;
  #newest = 0;

  /**
   * @param stepMs time that one slot covers, milliseconds.
   * @param size slots kept.
   */
  constructor(stepMs: number, size: number, stored?: StoredRing) {
    this.#stepMs = stepMs;
    this.#size = size;
    this.#counts = new Uint32Array(size * WIDTH);
    if (stored !== undefined) this.#restore(stored);
  }

  /** Adds to the slot of `at`, milliseconds since the epoch; what is older than the ring is left out. */
  add(at: number, row: Row): void {
    const slot = Math.floor(at / this.#stepMs);
    this.#turnTo(slot);
    if (slot <= this.#newest - this.#size) return;
    const offset = this.#offset(slot);
    for (const [i, count] of row.entries()) if (i < WIDTH) this.#put(offset + i, count);
  }

  /**
   * Sums of every column over `count` spans of `spanMs` each, the last of which ends with the span of `now`.
   * @param spanMs a multiple of the ring's step.
   */
  read(now: number, spanMs: number, count: number): number[][] {
    const slots = Math.floor(spanMs / this.#stepMs);
    const last = Math.floor(now / spanMs);
    return Array.from({ length: count }, (_, i) => this.#sum((last - count + 1 + i) * slots, slots));
  }

  store(): StoredRing {
    return { columns: COLUMNS, newest: this.#newest, counts: this.#counts };
  }

  #sum(from: number, slots: number): number[] {
    const sums = new Array<number>(WIDTH).fill(0);
    for (let slot = from; slot < from + slots; slot++) {
      if (slot > this.#newest || slot <= this.#newest - this.#size) continue;
      const offset = this.#offset(slot);
      for (let i = 0; i < WIDTH; i++) sums[i] = (sums[i] ?? 0) + (this.#counts[offset + i] ?? 0);
    }
    return sums;
  }

  /** Empties the slots between, which held what is now too old. */
  #turnTo(slot: number): void {
    if (slot <= this.#newest) return;
    const stale = Math.min(this.#size, slot - this.#newest);
    for (let i = 0; i < stale; i++) {
      const offset = this.#offset(slot - i);
      this.#counts.fill(0, offset, offset + WIDTH);
    }
    this.#newest = slot;
  }

  #put(at: number, count: number): void {
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  #offset(slot: number): number {
    return (slot % this.#size) * WIDTH;
  }

  #restore({ columns, newest, counts }: StoredRing): void {
    if (counts.length !== this.#size * columns.length) return;
    this.#newest = newest;
    for (const [from, name] of columns.entries()) {
      const to = indexOf(name);
      if (to < 0) continue;
      for (let slot = 0; slot < this.#size; slot++)
        this.#put(slot * WIDTH + to, counts[slot * columns.length + from] ?? 0);
    }
  }
}
