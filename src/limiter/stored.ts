// What storage holds of a partition, and when it is worth nothing any more. No clock, no I/O.
import { type Counters, drainedAt } from './counters.ts';
import { forgottenAt, type Usage } from './usage.ts';

/**
 * What storage holds: enough to resume without ever admitting more than memory would have. Members are only ever added,
 * and `counters` alone counts everything, so that a version that knows no more than them is on the strict side.
 */
export interface Stored {
  /** Of this format: raised only where a known member changes its meaning. */
  readonly version: number;
  /** When this was written, by the ledger's clock. */
  readonly at: number;
  readonly counters: Counters;
  /** When the partition was first seen since it last rested. */
  readonly since: number;
  /** Only where unusual use is watched. */
  readonly usage?: Usage | undefined;
  /** The longest life of a lease that counts. Absent: `LEASE_MS`. */
  readonly leaseMs?: number | undefined;
}

/** The format that `Stored` is written in, and the newest that is read. */
export const STORED_VERSION = 1;

/** When the last of these counters has drained, and what was usual is forgotten; never, of what cannot be read. */
export const restsAt = ({ version, counters, usage }: Stored): number =>
  version > STORED_VERSION
    ? Number.POSITIVE_INFINITY
    : Math.max(usage === undefined ? 0 : forgottenAt(usage), ...[...counters.values()].map(drainedAt));
