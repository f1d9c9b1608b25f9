// The isolate's end of the Directory: reports who is behind the names in the log, each once a day, a few at a time.
import type { WaitUntil } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { DirectoryClient, NamedPartition } from './client.ts';

/** Names remembered as reported. */
const CAPACITY = 10_000;

/** Most names that wait for the next report; more are reported when they are seen again. */
const MAX_WAITING = 100;

/** A name is not reported again so soon. */
const AGAIN_MS = 86_400_000;

/** How long names are gathered for one call. */
const GATHER_MS = 2_000;

export class DirectoryReporter {
  readonly #reported = new BoundedMap<string, number>(CAPACITY);
  #waiting: NamedPartition[] = [];
  /** When the request that leads the next report is done; later, it must have died. */
  #leadsUntil = 0;

  /** @param client made for this very request. */
  report(known: NamedPartition, client: DirectoryClient, context: WaitUntil): void {
    const now = Date.now();
    if ((this.#reported.get(known.name) ?? 0) > now - AGAIN_MS || this.#waiting.length >= MAX_WAITING) return;
    this.#reported.set(known.name, now);
    this.#waiting.push(known);
    if (now < this.#leadsUntil) return;
    this.#leadsUntil = now + 2 * GATHER_MS;
    context.waitUntil(this.#flush(client));
  }

  async #flush(client: DirectoryClient): Promise<void> {
    await scheduler.wait(GATHER_MS);
    const gathered = this.#waiting;
    this.#waiting = [];
    this.#leadsUntil = 0;
    try {
      await client.keep(gathered);
    } catch {
      // Reported anew when they are seen again.
      for (const { name } of gathered) this.#reported.delete(name);
    }
  }
}
