// What the handlers of the admin API share: the Hono context they run in, typed.
import type { Context } from 'hono';
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import type { LimiterClient } from '../quota/client.ts';
import type { PartitionNamer } from '../report/partition-name.ts';
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

/** A request as the functions see it that turn it into a partition, a mark or an override. */
export const requestOf = (c: AdminContext, query: Input, body: Input = {}): AdminRequest => ({
  config: c.get('config'),
  query,
  body,
  now: Date.now(),
});
