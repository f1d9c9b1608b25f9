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
    const background = (work: Promise<void>) => c.executionCtx.waitUntil(work);
    if (c.env.ANALYTICS) background(count(c.env.ANALYTICS, c, trace, config, nameOf));
    if (isLogged(trace)) log(() => lineOf(c, trace, nameOf), background);
  };
};

/** Refusals, failures and what the failure policy decided. */
const isLogged = ({ outcome, limiterError }: Trace): boolean =>
  (outcome !== 'forwarded' && outcome !== 'near_limit') || limiterError !== undefined;

const count = async (
  analytics: AnalyticsEngineDataset,
  c: Context<Env>,
  trace: Trace,
  config: Config,
  nameOf: PartitionNamer,
): Promise<void> =>
  analytics.writeDataPoint(dataPoint(c, trace, await partitionOf(c, trace, nameOf), config));

/** A request that was refused before any policy was looked at counts as its address. */
const partitionOf = (c: Context<Env>, trace: Trace, nameOf: PartitionNamer): Promise<string | undefined> =>
  nameOf(trace.partition ?? addressPartition(c.req.header('CF-Connecting-IP')));

/** No token, secret, claim or address: only what we named ourselves. */
const lineOf = async (c: Context<Env>, trace: Trace, nameOf: PartitionNamer) => ({
  id: requestId(c.req.raw.headers),
  outcome: trace.outcome,
  reason: trace.reason,
  status: c.res.status,
  route: c.get('route')?.name,
  policy: trace.policy,
  partition: await partitionOf(c, trace, nameOf),
  colo: coloOf(c) || undefined,
  limiter: trace.limiterError,
  shadow: trace.shadow || undefined,
});
