// A request that has been answered, as far as it is counted.
import type { Outcome } from '../report/outcomes.ts';
import type { Source } from './columns.ts';

export interface Finished {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly outcome: Outcome;
  /** The origin's response, not one of ours. */
  readonly forwarded: boolean;
  readonly status: number;
  readonly route: string;
  /** One of `TIERS`, or empty. */
  readonly tier: string;
  /** The data centre; empty outside Cloudflare. */
  readonly colo: string;
  readonly reason: string | undefined;
  readonly policy: string | undefined;
  readonly limiterError: 'local' | 'open' | 'closed' | undefined;
  readonly shadow: boolean;
  /** Whose request it was: a partition, else that of its address. */
  readonly partition: string;
  /** Undefined where no permit was needed, or none looked for. */
  readonly source: Source | undefined;
  /** Milliseconds until it was forwarded or refused. */
  readonly waitMs: number;
}
