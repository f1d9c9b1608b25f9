// The isolate's end of the Directory: tells it, once a day each and a few at a time, who is behind the names in the log.
import type { WaitUntil } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { DirectoryClient, NamedPartition } from './client.ts';

/** Names known to have been told. */
const CAPACITY = 10_000;

/** Most that wait to be told; more are told when they are seen again. */
const MAX_WAITING = 100;

const TOLD_MS = 86_400_000;

/** How long names are gathered for one call. */
const GATHER_MS = 2_000;

export class DirectoryTeller {
  readonly #told = new BoundedMap<string, number>(CAPACITY);
  #waiting: NamedPartition[] = [];
  /** A request has taken it upon itself to tell by then; later, it may have died. */
  #tellsBy = 0;

  /** @param client that of this very request. */
  tell(known: NamedPartition, client: DirectoryClient, context: WaitUntil): void {
    const now = Date.now();
    if ((this.#told.get(known.name) ?? 0) > now - TOLD_MS || this.#waiting.length >= MAX_WAITING) return;
    this.#told.set(known.name, now);
    this.#waiting.push(known);
    if (now < this.#tellsBy) return;
    this.#tellsBy = now + 2 * GATHER_MS;
    context.waitUntil(this.#flush(client));
  }

  async #flush(client: DirectoryClient): Promise<void> {
    await scheduler.wait(GATHER_MS);
    const told = this.#waiting;
    this.#waiting = [];
    this.#tellsBy = 0;
    try {
      await client.keep(told);
    } catch {
      // Told again when they are seen again.
      for (const { name } of told) this.#told.delete(name);
    }
  }
}
