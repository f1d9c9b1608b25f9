// Acts on a partition and answers with its state.
import type { Limiter, State } from '../limiter/limiter.ts';
import { MAX_JTIS } from '../limiter/standing.ts';
import type { Change } from '../pulse/changes.ts';
import { requestId } from '../report/log.ts';
import { type AdminContext, pulseOf } from './context.ts';
import { listChange } from './directory.ts';
import { invalid } from './invalid.ts';
import type { Partition } from './partitions.ts';
import { stateView } from './view.ts';

/**
 * Runs `act` on the partition's Limiter and answers with the state that came of it. All but a look is logged and kept in
 * the audit trail.
 *
 * @param act resolves to undefined where there is no room for one more revocation.
 * @param reason the operator's, for the audit trail.
 * @param detail what was set, for the audit trail.
 * @throws {Invalid} with status 409 where there is no room.
 * @throws {LimiterError} where the Limiter does not answer in time.
 */
export const actOn = async (
  c: AdminContext,
  found: Partition,
  act: (limiter: DurableObjectStub<Limiter>) => Promise<State | undefined>,
  reason = '',
  detail = '',
): Promise<Response> => {
  const state = await actOnEach(c, found, act);
  if (state === undefined) throw invalid('jti', `at most ${MAX_JTIS} at once; \`before\` revokes more`, 409);
  const name = found.name ?? (await c.get('nameOf')(found.partition)) ?? null;
  if (c.req.method !== 'GET') {
    await note(c, name, reason, detail);
    await listChange(c, name, found, state);
  }
  return c.json({ ...found.names, partition: name, ...stateView(state) });
};

/** Limiters that are asked at one time. */
const AT_ONCE = 32;

/** The state of the last one. A network's change that fails half-way is to be made again. */
const actOnEach = async (
  c: AdminContext,
  { partition, members = [partition] }: Partition,
  act: (limiter: DurableObjectStub<Limiter>) => Promise<State | undefined>,
): Promise<State | undefined> => {
  let state: State | undefined;
  for (let i = 0; i < members.length; i += AT_ONCE) {
    const some = members.slice(i, i + AT_ONCE);
    const states = await Promise.all(some.map((each) => c.get('limiters').call(c.env, each, act)));
    state = states.at(-1);
  }
  return state;
};

/** The reason stays out of the log, which more people read. */
const note = async (
  c: AdminContext,
  partition: string | null,
  reason: string,
  detail: string,
): Promise<void> => {
  const id = requestId(c.req.raw.headers);
  const action = `${c.req.method} ${c.req.path}`;
  console.log(JSON.stringify({ id, outcome: 'admin', action, partition }));
  await keep(c, { at: Date.now(), id, action, partition, detail, reason });
};

/** The change is already made: a trail that cannot be written does not make it fail. */
const keep = async (c: AdminContext, change: Change): Promise<void> => {
  try {
    await pulseOf(c)?.keep(change);
  } catch (error) {
    console.error(
      JSON.stringify({ id: change.id, outcome: 'admin', reason: 'trail_failed', error: String(error) }),
    );
  }
};
