// What the admin API answers to the console, as types that both share.
import type { Route } from '../config/types.ts';
import type { Range, View } from '../pulse/state.ts';
import type { PolicyRow } from '../quota/policy-rows.ts';

/** What the console draws, and for what time. */
export interface PulseView extends View {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly range: Range;
  /** When the first point begins, and how long each one is. */
  readonly start: number;
  readonly spanMs: number;
  /** Whether partitions have names; without `PARTITION_SECRET` none is ranked. */
  readonly named: boolean;
  readonly shards: number;
}

/** The policies in force. */
export interface RoutesView {
  readonly rows: readonly PolicyRow[];
}

/** Which route and policies a path meets. */
export interface TriedView {
  readonly route: string;
  readonly match: string;
  readonly auth: Route['auth'];
  readonly mode: Route['mode'];
  readonly cost: number;
  readonly scopes: readonly string[];
  readonly rows: readonly PolicyRow[];
}
