// A partition as it is ranked: by the name it has in the log, with what an operator needs to act on it.
import { BoundedMap } from '../lib/bounded-map.ts';
import { limiterName, partitionKind } from '../partition.ts';
import type { PartitionNamer } from '../report/partition-name.ts';
import type { Caller } from './messages.ts';

/** Partitions kept; each saves a digest. */
const CAPACITY = 2_048;

export type CallerNamer = (partition: string) => Promise<Caller | undefined>;

/** Undefined for every partition where `PARTITION_SECRET` is unset, and with it their names. */
export const callerNamer = (nameOf: PartitionNamer): CallerNamer => {
  const callers = new BoundedMap<string, Caller>(CAPACITY);
  return async function callerOf(partition) {
    const known = callers.get(partition);
    if (known !== undefined) return known;
    const name = await nameOf(partition);
    if (name === undefined) return undefined;
    const caller = { name, kind: partitionKind(partition), limiter: await limiterName(partition) };
    callers.set(partition, caller);
    return caller;
  };
};
