// Around every step that decides: follows a request through, answers what nobody foresaw, and after the response says
// what became of it.
import type { Context } from 'hono';
import type { Config } from './config.ts';
import type { Env, Trace } from './env.ts';
import { addressPartition } from './partition.ts';
import { badRequest, internalError } from './problem.ts';
import { coloOf, dataPoint } from './report/data-point.ts';
import { log, requestId } from './report/log.ts';
import { type PartitionNamer, partitionNamer } from './report/partition-name.ts';
import { addServerTiming } from './report/server-timing.ts';
import type { Step } from './step.ts';

/** A forwarded request without an `ANALYTICS` binding leaves nothing to do. */
export const report = (config: Config): Step => {
  const nameOf = partitionNamer(config.partitionSecret);
  return async function report(c, next) {
    const trace: Trace = { arrived: Date.now(), outcome: 'forwarded', forwarded: false };
    c.set('trace', trace);
    let response: Response;
    try {
      response = await next(c);
    } catch (error) {
      response = unforeseen(c, error);
    }
    if (config.serverTiming) addServerTiming(c, response.headers);
    if (c.env.ANALYTICS) c.executionCtx.waitUntil(count(c.env.ANALYTICS, c, response.status, config, nameOf));
    if (isLogged(trace))
      log(
        () => lineOf(c, response.status, nameOf),
        (work) => c.executionCtx.waitUntil(work),
      );
    return response;
  };
};

/** A `Host` that no URL can be made of is the client's doing. All else is ours; the answer says nothing of it. */
const unforeseen = (c: Context<Env>, error: unknown): Response => {
  if (!URL.canParse(c.req.url)) return badRequest();
  const trace = c.get('trace');
  trace.outcome = 'internal_error';
  trace.reason = String(error).slice(0, 200);
  return internalError();
};

/** Refusals, failures and what the failure policy decided. */
const isLogged = ({ outcome, limiterError }: Trace): boolean =>
  (outcome !== 'forwarded' && outcome !== 'near_limit') || limiterError !== undefined;

const count = async (
  analytics: AnalyticsEngineDataset,
  c: Context<Env>,
  status: number,
  config: Config,
  nameOf: PartitionNamer,
): Promise<void> => analytics.writeDataPoint(dataPoint(c, status, await partitionOf(c, nameOf), config));

/** A request that was refused before any policy was looked at counts as its address. */
const partitionOf = (c: Context<Env>, nameOf: PartitionNamer): Promise<string | undefined> =>
  nameOf(c.get('trace').partition ?? addressPartition(c.req.header('CF-Connecting-IP')));

/** No token, secret, claim or address: only what we named ourselves. */
const lineOf = async (c: Context<Env>, status: number, nameOf: PartitionNamer) => {
  const { outcome, reason, policy, limiterError, shadow } = c.get('trace');
  return {
    id: requestId(c.req.raw.headers),
    outcome,
    reason,
    status,
    route: c.get('route')?.name,
    policy,
    partition: await partitionOf(c, nameOf),
    colo: coloOf(c) || undefined,
    limiter: limiterError,
    shadow: shadow || undefined,
  };
};
