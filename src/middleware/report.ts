// Around every step that decides: answers what nobody foresaw, tells the client what is left of its quota, and after the
// response says what became of the request.
import type { Config } from '../config/types.ts';
import type { Exchange, Trace } from '../exchange.ts';
import { callerPartition } from '../partition.ts';
import { badRequest, internalError } from '../problem.ts';
import { addFields } from '../quota/fields.ts';
import { coloOf, dataPoint } from '../report/data-point.ts';
import { log, requestId } from '../report/log.ts';
import { type PartitionNamer, partitionNamer } from '../report/partition-name.ts';
import type { Step } from '../step.ts';
import { addServerTiming } from './server-timing.ts';

/** A forwarded request without an `ANALYTICS` binding leaves nothing to do. */
export const report = (config: Config): Step => {
  const nameOf = partitionNamer(config.partitionSecret);
  return async function report(exchange, next) {
    let response: Response;
    try {
      response = await next(exchange);
    } catch (error) {
      response = unforeseen(exchange, error);
    }
    if (exchange.quota) addFields(response.headers, exchange.quota);
    if (config.serverTiming) addServerTiming(exchange, response.headers);
    const { env, trace } = exchange;
    if (env.ANALYTICS) exchange.waitUntil(count(env.ANALYTICS, exchange, response.status, config, nameOf));
    if (isLogged(trace)) log(() => lineOf(exchange, response.status, nameOf), exchange);
    return response;
  };
};

/** A `Host` that no URL can be made of is the client's doing. All else is ours; the answer says nothing of it. */
const unforeseen = (exchange: Exchange, error: unknown): Response => {
  if (!URL.canParse(exchange.request.url)) return badRequest();
  const { trace } = exchange;
  trace.outcome = 'internal_error';
  trace.reason = String(error).slice(0, 200);
  return internalError();
};

/** Refusals, failures and what the failure policy decided. */
const isLogged = ({ outcome, limiterError }: Trace): boolean =>
  (outcome !== 'forwarded' && outcome !== 'near_limit') || limiterError !== undefined;

const count = async (
  analytics: AnalyticsEngineDataset,
  exchange: Exchange,
  status: number,
  config: Config,
  nameOf: PartitionNamer,
): Promise<void> =>
  analytics.writeDataPoint(dataPoint(exchange, status, await partitionOf(exchange, nameOf), config));

/** A request that was refused before any policy was looked at counts as its address. */
const partitionOf = (exchange: Exchange, nameOf: PartitionNamer): Promise<string | undefined> =>
  nameOf(exchange.trace.partition ?? callerPartition(exchange.request));

/** No token, secret, claim or address: only what we named ourselves. */
const lineOf = async (exchange: Exchange, status: number, nameOf: PartitionNamer) => {
  const { outcome, reason, policy, limiterError, shadow } = exchange.trace;
  return {
    id: requestId(exchange.request.headers),
    outcome,
    reason,
    status,
    route: exchange.route.name,
    policy,
    partition: await partitionOf(exchange, nameOf),
    colo: coloOf(exchange) || undefined,
    limiter: limiterError,
    shadow: shadow || undefined,
  };
};
