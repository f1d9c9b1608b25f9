// The Durable Object that adds up what the isolates counted, and keeps it: one row, written at most once in ten seconds.
import { DurableObject } from 'cloudflare:workers';
import type { Change } from './changes.ts';
import { addChange } from './changes.ts';
import { type Receipt, type Report, VERSION } from './messages.ts';
import { everyMs, SLOWEST_MS, shardsFor } from './pace.ts';
import {
  type CallerView,
  PulseState,
  type Range,
  type StoredState,
  type Totals,
  type View,
} from './state.ts';

const KEY = 'pulse';
const CHANGES_KEY = 'changes';
/** Least time between two writes of what was counted. */
const WRITE_MS = 10_000;
/** After a split isolates need a while to move: the slowest pace, twice. */
const SETTLE_MS = 2 * SLOWEST_MS + 10_000;

interface Stored extends StoredState {
  readonly storedAt: number;
  readonly shards: number;
}

/** What an object knows about itself, beside the counts. */
export interface Standing {
  readonly shards: number;
}

export class Pulse extends DurableObject {
  #shards = 1;
  #storedAt = 0;
  readonly #state = this.#load();
  #splitAt = 0;
  #isWriteDue = false;
  #pace = { at: 0, everyMs: 0 };

  /** Adds what is new in a report. The output gate holds the receipt back until what was written is durable. */
  report(report: Report): Receipt {
    if (report.version !== VERSION)
      throw new Error(`expected message version ${VERSION}, got ${report.version}`);
    const now = Date.now();
    const known = this.#state.take(now, report);
    const every = this.#everyMs(now);
    this.#writeInTime(now);
    return { added: known.added, stored: known.stored, everyMs: every, shards: this.#shards };
  }

  /** @param now the reader's clock, so that several objects cut time alike. */
  view(now: number, range: Range, minutes: number): View & Standing {
    return { ...this.#state.view(now, range, minutes), shards: this.#shards };
  }

  totals(now: number): Totals & Standing & { readonly isolates: number } {
    return { ...this.#state.totals(), isolates: this.#state.alive(now), shards: this.#shards };
  }

  caller(now: number, name: string): CallerView & Standing {
    return { ...this.#state.caller(now, name), shards: this.#shards };
  }

  /** Keeps an operator's change in the audit trail. */
  keep(change: Change): void {
    this.ctx.storage.kv.put(CHANGES_KEY, addChange(this.changes(), change));
  }

  /** Newest first. */
  changes(): readonly Change[] {
    return this.ctx.storage.kv.get<readonly Change[]>(CHANGES_KEY) ?? [];
  }

  #load(): PulseState {
    const stored = this.ctx.storage.kv.get<Stored>(KEY);
    this.#shards = stored?.shards ?? 1;
    this.#storedAt = stored?.storedAt ?? 0;
    return new PulseState(stored);
  }

  /** Counting isolates takes a while, so it is done once a second. */
  #everyMs(now: number): number {
    if (now - this.#pace.at < 1_000) return this.#pace.everyMs;
    const isolates = this.#state.alive(now);
    if (now - this.#splitAt > SETTLE_MS) this.#split(now, isolates);
    this.#pace = { at: now, everyMs: everyMs(isolates) };
    return this.#pace.everyMs;
  }

  #split(now: number, isolates: number): void {
    const shards = shardsFor(isolates, this.#shards);
    if (shards === this.#shards) return;
    this.#shards = shards;
    this.#splitAt = now;
  }

  /** A pending timer keeps the object in memory until what it has is written, ten seconds at most; an alarm would be a row. */
  #writeInTime(now: number): void {
    if (this.#isWriteDue) return;
    const wait = this.#storedAt + WRITE_MS - now;
    if (wait <= 0) {
      this.#write();
    } else {
      this.#isWriteDue = true;
      setTimeout(() => this.#write(), wait);
    }
  }

  #write(): void {
    this.#isWriteDue = false;
    this.#storedAt = Date.now();
    const stored = { ...this.#state.store(), storedAt: this.#storedAt, shards: this.#shards };
    this.ctx.storage.kv.put<Stored>(KEY, stored);
  }
}
