// What isolates and the Pulse object say to each other. Versioned, since old and new code meet during a deploy.
import type { FamilyName, RankingName } from './families.ts';
import type { Labelled } from './series.ts';
import type { Ranked } from './sketch.ts';

/** Raised when a message changes its meaning; an object leaves alone what it does not know. */
export const VERSION = 1;

/** A partition that may be ranked: its name as in the log, and the Limiter that holds it. */
export interface Caller {
  readonly name: string;
  /** `subject`, `address`, or what else its partition is of. */
  readonly kind: string;
  /** Name of its Limiter object: a digest, no personal data. */
  readonly limiter: string;
}

/** What an isolate counted between two reports. */
export interface Batch {
  /** From 1, without a gap. */
  readonly number: number;
  /** Columns of the counts in `rows`. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [second: number, counts: readonly number[]])[];
  readonly series: Readonly<Partial<Record<FamilyName, readonly Labelled[]>>>;
  readonly rankings: Readonly<Partial<Record<RankingName, readonly Ranked[]>>>;
  readonly callers: readonly Caller[];
}

export interface Report {
  readonly version: typeof VERSION;
  /** Made up anew by each isolate. */
  readonly isolate: string;
  /** Oldest first. */
  readonly batches: readonly Batch[];
  /** The isolate keeps nothing older: a gap before the first is no reason to ask for more. */
  readonly whole: boolean;
}

export interface Receipt {
  /** Number of the last batch that was added; a smaller one than was sent: those after it are wanted again. */
  readonly added: number;
  /** Number of the last batch that storage has. */
  readonly stored: number;
  /** When to report next, milliseconds. */
  readonly everyMs: number;
  /** Pulse objects that share the isolates. */
  readonly shards: number;
}
