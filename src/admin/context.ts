// What the handlers of the admin API share: the Hono context they run in, typed.
import type { Context } from 'hono';
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import { PulseClient } from '../pulse/client.ts';
import type { LimiterClient } from '../quota/client.ts';
import type { PartitionNamer } from '../report/partition-name.ts';
import { invalid } from './invalid.ts';
import type { AdminRequest, Input } from './partitions.ts';

export interface AdminEnv {
  Bindings: Bindings;
  Variables: {
    config: Config;
    limiters: LimiterClient;
    /** How the log names a partition. */
    nameOf: PartitionNamer;
  };
}

export type AdminContext = Context<AdminEnv>;

/** What partitions, marks and overrides are read from. */
export const requestOf = (c: AdminContext, query: Input, body: Input = {}): AdminRequest => ({
  config: c.get('config'),
  query,
  body,
  now: Date.now(),
});

/** Undefined where `PULSE` is not bound. */
export const pulseOf = (c: AdminContext): PulseClient | undefined =>
  c.env.PULSE && new PulseClient(c.env.PULSE, c.get('config'));

/** @throws {Invalid} with status 501 where `PULSE` is not bound. */
export const neededPulse = (c: AdminContext): PulseClient => {
  const pulse = pulseOf(c);
  if (pulse === undefined) throw invalid('PULSE', 'to be bound in `wrangler.toml`', 501);
  return pulse;
};
