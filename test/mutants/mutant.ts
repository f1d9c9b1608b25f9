// A way to break a guard, and the tests that must notice.

export interface Mutant {
  /** The guard that is taken out. */
  readonly guard: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Files that must go red, all together. */
  readonly tests: readonly string[];
  /** Whether the explorer of states finds it by itself, as it must then. Absent: it does not. */
  readonly explored?: boolean;
}
