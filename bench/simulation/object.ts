// A Limiter as the simulator sees it: the real ledger, and storage, alarm and eviction as the platform has them.
import { Ledger } from '../../src/limiter/ledger.ts';
import type { Ask, Reply, Return } from '../../src/limiter/messages.ts';
import { restsAt, type Stored } from '../../src/limiter/stored.ts';

/** An idle object's memory is dropped after so long. */
const IDLE_MS = 10_000;

/** What has drained is kept for so long. */
const KEPT_MS = 86_400_000;

export interface Costs {
  calls: number;
  rows: number;
}

export class SimulatedObject {
  /** Where it was asked for first: objects stay there. */
  readonly colo: number;
  readonly #costs: Costs;
  #stored: Stored | undefined;
  #loads = 0;
  #ledger = new Ledger(undefined, '0');
  #usedAt = 0;
  #alarmAt = 0;

  constructor(colo: number, costs: Costs) {
    this.colo = colo;
    this.#costs = costs;
  }

  /** `written`: the reply waits until storage is durable. */
  consume(now: number, ask: Ask): { reply: Reply; written: boolean } {
    this.#wake(now);
    const { reply, write } = this.#ledger.consume(now, ask);
    if (write !== undefined) this.#save(now, write);
    return { reply, written: write !== undefined };
  }

  giveBack(now: number, unused: Return): void {
    this.#wake(now);
    this.#ledger.giveBack(now, unused);
  }

  /** Memory is gone; storage stays. */
  crash(): void {
    this.#loads++;
    this.#ledger = new Ledger(this.#stored, String(this.#loads));
  }

  #wake(now: number): void {
    this.#ring(now);
    this.#costs.calls++;
    if (now - this.#usedAt > IDLE_MS) this.crash();
    this.#usedAt = now;
  }

  /** An alarm that went off meanwhile: it deletes what has drained, else it is set anew. */
  #ring(now: number): void {
    if (this.#alarmAt === 0 || this.#alarmAt > now || this.#stored === undefined) return;
    const rang = this.#alarmAt;
    this.#costs.calls++;
    this.#alarmAt = 0;
    if (restsAt(this.#stored) > rang) this.#save(rang, this.#stored);
    else this.#rest();
  }

  #rest(): void {
    this.#costs.rows += 2;
    this.#stored = undefined;
    this.crash();
  }

  #save(now: number, stored: Stored): void {
    this.#stored = stored;
    this.#costs.rows++;
    if (this.#alarmAt > now) return;
    this.#alarmAt = restsAt(stored) + KEPT_MS;
    this.#costs.rows++;
  }
}
