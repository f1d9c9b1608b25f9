// Who is behind a partition's name in the log, and whose overrides and revocations are in force.
import { Hono } from 'hono';
import { type DirectoryClient, directoryOf } from '../directory/client.ts';
import type { State } from '../limiter/limiter.ts';
import { endOf, inForce } from '../limiter/standing.ts';
import { reducedCapacity } from '../problem.ts';
import type { AdminContext, AdminEnv } from './context.ts';
import { invalid } from './invalid.ts';
import type { Input, Partition } from './partitions.ts';
import { whoQuery } from './schemas.ts';
import { takes } from './validate.ts';
import { stateView } from './view.ts';

const RETRY_MS = 1_000;

/** @throws {Invalid} with status 501 where there is no directory. */
const neededDirectory = (c: AdminContext): DirectoryClient => {
  const directory = directoryOf(c.env, c.get('config'));
  if (directory === undefined)
    throw invalid('DIRECTORY', 'to be bound, and `PARTITION_SECRET` to be set', 501);
  return directory;
};

/** What the parts of a partition's JSON are, by its kind. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  subject: ['issuer', 'subject'],
  address: ['address'],
  claim: ['issuer', 'claim', 'value'],
  param: ['parameter', 'value'],
};

export const partsOf = (partition: string): Input => {
  const [kind, ...values] = JSON.parse(partition) as [string, ...string[]];
  return { kind, ...Object.fromEntries((PARTS[kind] ?? []).map((part, index) => [part, values[index]])) };
};

export const directoryRoutes = new Hono<AdminEnv>()
  .get(
    '/who',
    takes({ summary: 'Who is behind a name in the log', answer: 'Any', query: whoQuery }),
    async (c) => {
      const { partition: name } = c.req.valid('query');
      const answer = await neededDirectory(c)
        .find(name)
        .catch(() => null);
      if (answer === null) return reducedCapacity(RETRY_MS);
      if (answer === undefined) throw invalid('partition', 'a name that appeared in the log recently', 404);
      return c.json({ partition: name, ...partsOf(answer) });
    },
  )
  .get('/list', takes({ summary: 'Overrides and revocations in force', answer: 'Any' }), async (c) => {
    const listed = await neededDirectory(c)
      .listed()
      .catch(() => null);
    return listed === null ? reducedCapacity(RETRY_MS) : c.json({ listed });
  });

/**
 * Updates the list after an operator's change. Where that fails the change still holds, and the log says so.
 * @param name the partition's, as in the log.
 */
export const listChange = async (
  c: AdminContext,
  name: string | null,
  { names }: Partition,
  state: State,
) => {
  const directory = directoryOf(c.env, c.get('config'));
  if (directory === undefined || name === null) return;
  const { override, revoked } = stateView(state);
  const standing = inForce(state.standing, Date.now());
  try {
    await directory.list(
      name,
      { ...names, partition: name, override, revoked },
      standing ? endOf(standing) : 0,
    );
  } catch {
    console.error(JSON.stringify({ outcome: 'admin', reason: 'not_listed', partition: name }));
  }
};
