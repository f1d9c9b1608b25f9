// A partition by its name in the log: the directory knows who it is, and Pulse the Limiters of recently ranked ones.
import { directoryOf } from '../directory/client.ts';
import { ADDRESS, CALLER, EVERYONE, type Key } from '../partition.ts';
import { type AdminContext, neededPulse } from './context.ts';
import { partsOf } from './directory.ts';
import { invalid } from './invalid.ts';
import type { AdminRequest, Partition } from './partitions.ts';

/** The partition of a name. @throws {Invalid} with status 409 where neither knows it. */
export const namedOf = async (
  { query: { partition = '' } }: AdminRequest,
  c: AdminContext,
): Promise<Partition> => (await listedOf(c, partition)) ?? rankedOf(c, partition);

/** Undefined where no directory is bound, or it has not heard of the name. */
const listedOf = async (c: AdminContext, name: string): Promise<Partition | undefined> => {
  const found = await directoryOf(c.env, c.get('config'))
    ?.find(name)
    .catch(() => undefined);
  if (found === undefined) return undefined;
  const names = partsOf(found);
  return { partition: found, names, key: keyOf(names), name };
};

const rankedOf = async (c: AdminContext, name: string): Promise<Partition> => {
  const { caller } = await neededPulse(c).caller(Date.now(), name);
  if (caller === undefined)
    throw invalid(
      'partition',
      'one of the top callers of the last minutes; look any other up by its subject',
      409,
    );
  const partition = JSON.stringify(['named', name]);
  c.get('limiters').know(partition, caller.limiter);
  return { partition, names: { kind: caller.kind }, key: keyOf({ kind: caller.kind }), name };
};

/** What the policies of a partition count by. */
const keyOf = ({ kind, claim }: Readonly<Record<string, string | undefined>>): Key => {
  if (kind === 'address') return ADDRESS;
  if (kind === 'global') return EVERYONE;
  return kind === 'claim' && claim !== undefined ? { kind, claim } : CALLER;
};
