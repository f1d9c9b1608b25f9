// The audit trail: what operators changed, newest first.

/** Changes kept. */
const CAPACITY = 500;

export interface Change {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the request, as in the log: the `CF-Ray`, or one made. */
  readonly id: string;
  /** Method and path of the admin API. */
  readonly action: string;
  /** The partition's name as in the log; null without `PARTITION_SECRET`. */
  readonly partition: string | null;
  /** What was set, such as limits and until when; no token. */
  readonly detail: string;
  /** The operator's own words; empty where none were given. */
  readonly reason: string;
}

export const addChange = (changes: readonly Change[], change: Change): readonly Change[] =>
  [change, ...changes].slice(0, CAPACITY);
