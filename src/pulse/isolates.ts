// Which isolates report, and up to which of their batches they are counted.

/** Isolates remembered; far more than one object hears before it is split. */
const CAPACITY = 4_096;
/** An isolate that was silent for so long is forgotten. It keeps no batch for as long. */
const FORGOTTEN_MS = 300_000;
/** An isolate that reported within so long is alive: twice the slowest pace, and some. */
const ALIVE_MS = 45_000;

interface Isolate {
  /** Number of the last batch that was added, and of the last that storage has. */
  added: number;
  stored: number;
  seenAt: number;
}

export type StoredIsolate = readonly [name: string, added: number, seenAt: number];

export class Isolates {
  readonly #known: Map<string, Isolate>;

  constructor(stored: readonly StoredIsolate[] = []) {
    this.#known = new Map(
      stored.map(([name, added, seenAt]) => [name, { added, stored: added, seenAt }] as const),
    );
  }

  /** The isolate of this name, as the one that was seen last. */
  see(name: string, now: number): Isolate {
    const isolate = this.#known.get(name) ?? { added: 0, stored: 0, seenAt: now };
    isolate.seenAt = now;
    this.#known.delete(name);
    this.#known.set(name, isolate);
    this.#forget(now);
    return isolate;
  }

  alive(now: number): number {
    return [...this.#known.values()].filter(({ seenAt }) => now - seenAt < ALIVE_MS).length;
  }

  /** Everything that was added is stored now. */
  store(): StoredIsolate[] {
    for (const isolate of this.#known.values()) isolate.stored = isolate.added;
    return [...this.#known].map(([name, { added, seenAt }]) => [name, added, seenAt]);
  }

  /** The isolate that was silent for longest comes first. */
  #forget(now: number): void {
    for (const [name, { seenAt }] of this.#known) {
      if (this.#known.size <= CAPACITY && now - seenAt < FORGOTTEN_MS) return;
      this.#known.delete(name);
    }
  }
}
