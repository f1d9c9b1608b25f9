// What an issuer's keys can be asked for. No code.
import type { KeySet } from './set.ts';

/** Keeps work going after the response, and after the client has left: `ExecutionContext.waitUntil`. */
export type Background = (work: Promise<unknown>) => void;

export interface Keys {
  /** The keys to verify with, loaded first if need be; undefined if none are available. */
  current(background: Background): Promise<KeySet | undefined>;
  /** A set newer than `than`, asked for when a key is unknown; `than` itself if there is none. Unset: never changes. */
  newer?(background: Background, than: KeySet): Promise<KeySet>;
  /** Whether keys of some source are missing, so that an unknown key may be one of theirs. Unset: they never are. */
  isPartial?(): boolean;
  /** Milliseconds until loading is tried again. */
  retryAfterMs(now: number): number;
  /** The state of each source after its last load. */
  states(): readonly SourceState[];
}

/** The state of a key source in this isolate. */
export interface SourceState {
  /** URL or issuer, without secrets; or the kind of a source in a var. */
  readonly source: string;
  /** Usable keys at hand, one for each algorithm. */
  readonly keys: number;
  /** Why the last load failed; undefined where it did not. */
  readonly failure: string | undefined;
}
