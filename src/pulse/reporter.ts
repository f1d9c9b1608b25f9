// The isolate's end of Pulse: counts, and every few seconds tells, behind some response. No request waits for it.
import { withTimeLimit } from '../lib/time-limit.ts';
import type { CallerNamer } from './caller.ts';
import type { PulseClient } from './client.ts';
import type { Finished } from './finished.ts';
import { type Receipt, VERSION } from './messages.ts';
import { FASTEST_MS, shardOf } from './pace.ts';
import { Tally } from './tally.ts';

/** Batches kept until storage has them: more than are made between two writes of the object. */
const MAX_KEPT = 16;
/** A batch is kept no longer: an object that forgot this isolate could not tell whether it had added it. */
const KEPT_MS = 60_000;
/** A report without a receipt by then is sent again, and added once. */
const TIMEOUT_MS = 4_000;
/** A report may be sent so often, as far as `waitUntil` lasts; what is still owed then goes with the next one. */
const ATTEMPTS = 3;
/** By how much a report may be late before another request takes it over; its own may have died. */
const LATE_MS = 1_000;

interface Kept {
  readonly number: number;
  readonly at: number;
  readonly tally: Tally;
}

/** Counts the requests of an isolate. Plain data that they share: one that dies takes nothing along. */
export class Reporter {
  readonly #callerOf: CallerNamer;
  #isolate: string = '';
  /** Which object of several is this isolate's, 0 to 1. */
  #draw = 0;
  #tally = new Tally();
  #kept: readonly Kept[] = [];
  #last = 0;
  /** Number of the last batch that the object has. */
  #added = 0;
  #shards = 1;
  #everyMs = FASTEST_MS;
  /** Until then some request is going to send the next report; later, it must have died. */
  #dueBy = 0;

  constructor(callerOf: CallerNamer) {
    this.#callerOf = callerOf;
  }

  /** @param client makes stubs for this very request; called only where a report is due. */
  count(finished: Finished, client: () => PulseClient, context: Pick<ExecutionContext, 'waitUntil'>): void {
    this.#tally.add(finished);
    if (finished.at < this.#dueBy) return;
    this.#dueBy = finished.at + this.#everyMs + LATE_MS;
    context.waitUntil(this.#reportLater(client()));
  }

  async #reportLater(client: PulseClient): Promise<void> {
    await scheduler.wait(this.#everyMs);
    this.#close(Date.now());
    for (let attempt = 1; attempt <= ATTEMPTS && this.#isOwed(); attempt++) await this.#send(client);
  }

  /** Ends the batch; later requests are counted in the next one. */
  #close(now: number): void {
    this.#dueBy = 0;
    if (this.#tally.isEmpty) return;
    this.#last++;
    this.#kept = [...this.#kept, { number: this.#last, at: now, tally: this.#tally }].slice(-MAX_KEPT);
    this.#tally = new Tally();
  }

  #isOwed(): boolean {
    return this.#kept.some(({ number }) => number > this.#added);
  }

  async #send(client: PulseClient): Promise<void> {
    if (this.#isolate === '') this.#begin();
    const isolate = this.#isolate;
    const owed = this.#kept.filter(({ number }) => number > this.#added);
    const batches = await Promise.all(owed.map(({ number, tally }) => tally.batch(number, this.#callerOf)));
    const whole = owed[0] === this.#kept[0];
    try {
      const report = client
        .object(shardOf(this.#draw, this.#shards))
        .report({ version: VERSION, isolate, batches, whole });
      this.#book(isolate, await withTimeLimit(report, TIMEOUT_MS));
    } catch {
      // Sent again by the next attempt, or with the next report: nothing of it is lost, and no request notices.
    }
  }

  /** Drops what storage has. An object that was evicted has fewer than it had: those are owed again. */
  #book(isolate: string, { added, stored, everyMs, shards }: Receipt): void {
    if (isolate !== this.#isolate) return;
    const oldest = Date.now() - KEPT_MS;
    this.#added = added;
    this.#kept = this.#kept.filter(({ number, at }) => number > stored && at > oldest);
    this.#everyMs = everyMs;
    if (shards !== this.#shards && !this.#isOwed()) this.#moveTo(shards);
  }

  /** The other object knows nothing of this isolate, so the isolate begins anew. */
  #moveTo(shards: number): void {
    const moves = shardOf(this.#draw, shards) !== shardOf(this.#draw, this.#shards);
    this.#shards = shards;
    if (!moves) return;
    this.#isolate = crypto.randomUUID();
    this.#kept = [];
    this.#last = 0;
    this.#added = 0;
  }

  /** On Workers, random values are available only within a request. */
  #begin(): void {
    this.#isolate = crypto.randomUUID();
    this.#draw = Math.random();
  }
}
