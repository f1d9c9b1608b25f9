// Does something to a partition and answers with its state.
import type { Limiter, State } from '../limiter/limiter.ts';
import { MAX_JTIS } from '../limiter/standing.ts';
import { requestId } from '../report/log.ts';
import type { AdminContext } from './context.ts';
import { listChange } from './directory.ts';
import { invalid } from './invalid.ts';
import type { Subject } from './partitions.ts';
import { stateView } from './view.ts';

/**
 * Runs `act` on the partition's Limiter and answers with the state that came of it. All but a look is logged.
 *
 * @param act resolves to undefined where there is no room for one more mark.
 * @throws {Invalid} with status 409 where there is no room.
 * @throws {LimiterError} where the Limiter does not answer in time.
 */
export const tell = async (
  c: AdminContext,
  subject: Subject,
  act: (limiter: DurableObjectStub<Limiter>) => Promise<State | undefined>,
): Promise<Response> => {
  const state = await c.get('limiters').call(c.env, subject.partition, act);
  if (state === undefined) throw invalid('jti', `at most ${MAX_JTIS} at once; \`before\` revokes more`, 409);
  const name = (await c.get('nameOf')(subject.partition)) ?? null;
  if (c.req.method !== 'GET') {
    logAction(c, name);
    await listChange(c, name, subject, state);
  }
  return c.json({ ...subject.names, partition: name, ...stateView(state) });
};

const logAction = ({ req }: AdminContext, partition: string | null): void => {
  const id = requestId(req.raw.headers);
  console.log(JSON.stringify({ id, outcome: 'admin', action: `${req.method} ${req.path}`, partition }));
};
