// The outermost step: follows a request through, and after the response says what became of it.
import type { Context, MiddlewareHandler } from 'hono';
import type { Config } from './config.ts';
import type { Env, Trace } from './env.ts';
import { addressPartition } from './partition.ts';
import { coloOf, dataPoint } from './report/data-point.ts';
import { log, requestId } from './report/log.ts';
import { type PartitionNamer, partitionNamer } from './report/partition-name.ts';
import { addServerTiming } from './report/server-timing.ts';

/** A forwarded request without an `ANALYTICS` binding leaves nothing to do. */
export const report = (config: Config): MiddlewareHandler<Env> => {
  const nameOf = partitionNamer(config.partitionSecret);
  return async function report(c, next) {
    const trace: Trace = { arrived: Date.now(), outcome: 'forwarded' };
    c.set('trace', trace);
    await next();
    if (config.serverTiming) addServerTiming(c);
    if (isLogged(trace) || c.env.ANALYTICS) c.executionCtx.waitUntil(tell(c, trace, config, nameOf));
  };
};

/** Refusals, failures and what the failure policy decided. */
const isLogged = ({ outcome, limiterError }: Trace): boolean =>
  (outcome !== 'forwarded' && outcome !== 'near_limit') || limiterError !== undefined;

const tell = async (c: Context<Env>, trace: Trace, config: Config, nameOf: PartitionNamer): Promise<void> => {
  const partition = await nameOf(trace.partition ?? addressPartition(c.req.header('CF-Connecting-IP')));
  c.env.ANALYTICS?.writeDataPoint(dataPoint(c, trace, partition, config));
  if (isLogged(trace)) log(lineOf(c, trace, partition), (work) => c.executionCtx.waitUntil(work));
};

/** No token, secret, claim or address: only what we named ourselves. */
const lineOf = (c: Context<Env>, trace: Trace, partition: string | undefined) => ({
  id: requestId(c.req.raw.headers),
  outcome: trace.outcome,
  reason: trace.reason,
  status: c.res.status,
  route: c.get('route')?.name,
  policy: trace.policy,
  partition,
  colo: coloOf(c) || undefined,
  limiter: trace.limiterError,
  shadow: trace.shadow || undefined,
});
