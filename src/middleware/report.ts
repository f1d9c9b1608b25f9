// Around every step that decides: answers uncaught errors, tells the client what is left of its quota, and after the
// response says what became of the request.

import type { Config } from '../config/types.ts';
import { directoryOf } from '../directory/client.ts';
import { DirectoryTeller } from '../directory/teller.ts';
import type { Exchange, Trace } from '../exchange.ts';
import { isCopyable } from '../origin/response.ts';
import { callerPartition } from '../partition.ts';
import { uncaughtError } from '../problem.ts';
import { callerNamer } from '../pulse/caller.ts';
import { PulseClient } from '../pulse/client.ts';
import { Reporter } from '../pulse/reporter.ts';
import { addFields } from '../quota/fields.ts';
import { coloOf, dataPoint } from '../report/data-point.ts';
import { finishedOf } from '../report/finished.ts';
import { log, requestId } from '../report/log.ts';
import { type PartitionNamer, partitionNamer } from '../report/partition-name.ts';
import { sentPath } from '../routing/sent-path.ts';
import { exposeFields } from './cors.ts';
import { addServerTiming } from './server-timing.ts';
import type { Step, WeirContext } from './step.ts';

/** A forwarded request without an `ANALYTICS` or `PULSE` binding leaves nothing to do. */
export const report = (config: Config): Step => {
  const nameOf = partitionNamer(config.partitionSecret);
  const teller = new DirectoryTeller();
  const tell = (name: string, partition: string, exchange: Exchange): void => {
    const directory = directoryOf(exchange.env, config);
    if (directory) teller.tell({ name, partition }, directory, exchange);
  };
  const pulse = new Reporter(callerNamer(nameOf));
  return async function report(c, next) {
    const exchange = c.get('exchange');
    const { env, trace } = exchange;
    try {
      await next();
    } catch (error) {
      noteUncaught(exchange, error);
      c.res = uncaughtError(exchange.request.url);
    }
    ownBody(c, config);
    // What a handler behind us threw, Hono has answered.
    if (c.error) noteUncaught(exchange, c.error);
    if ((exchange.quota || config.serverTiming) && isCopyable(c.res.status)) {
      const headers = writableHeaders(c);
      if (exchange.quota) {
        addFields(headers, exchange.quota, config.rateLimitHeaders);
        if (!exchange.preflight) exposeFields(headers, config.rateLimitHeaders);
      }
      if (config.serverTiming) addServerTiming(exchange, headers);
    }
    const { status } = c.res;
    if (env.ANALYTICS) exchange.waitUntil(count(env.ANALYTICS, exchange, status, config, nameOf));
    const { PULSE } = env;
    if (PULSE)
      pulse.count(finishedOf(exchange, status, config), () => new PulseClient(PULSE, config), exchange);
    if (isLogged(trace)) log(() => lineOf(exchange, status, config, nameOf, tell), exchange);
  };
};

const noteUncaught = ({ request, trace }: Exchange, error: unknown): void => {
  if (!URL.canParse(request.url)) return;
  trace.outcome = 'internal_error';
  trace.reason = String(error).slice(0, 200);
};

/** `RESPONSES`: the same body for every refusal of one status. */
const ownBody = (c: WeirContext, { responses }: Config): void => {
  const own = c.get('exchange').trace.forwarded ? undefined : responses.get(c.res.status);
  if (own === undefined) return;
  const { status, headers } = c.res;
  headers.set('Content-Type', own.type);
  c.res = undefined;
  c.res = new Response(own.body, { status, headers });
};

/** The answer's headers; of a copy where they are immutable, as those of a fetched response are. */
const writableHeaders = (c: WeirContext): Headers => {
  try {
    c.res.headers.delete(NO_FIELD);
  } catch {
    const { res } = c;
    c.res = undefined;
    c.res = new Response(res.body, res);
  }
  return c.res.headers;
};

/** Deleting it changes nothing, and tells whether headers may be changed. */
const NO_FIELD = 'X-Weir-None';

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
  analytics.writeDataPoint(dataPoint(exchange, status, await nameOf(partitionOf(exchange, config)), config));

/** A request that was refused before any policy was looked at counts as its address. */
const partitionOf = ({ trace, request }: Exchange, { ipv6Prefix }: Config): string =>
  trace.partition ?? callerPartition(request, ipv6Prefix);

/** Lets the admin API know who is behind a name that the log has. */
type Tell = (name: string, partition: string, exchange: Exchange) => void;

/** Longest method and path that a line repeats: both are the client's. */
const MAX_METHOD = 20;
const MAX_PATH = 200;

/** Without the query, which may hold what is nobody's business. */
const shownPath = (url: string): string => sentPath(url).slice(0, MAX_PATH);

/** No token, secret, claim or address: what we named ourselves, the method and, if asked for, the path. */
const lineOf = async (
  exchange: Exchange,
  status: number,
  config: Config,
  nameOf: PartitionNamer,
  tell: Tell,
) => {
  const { outcome, reason, policy, limiterError, shadow } = exchange.trace;
  const partition = partitionOf(exchange, config);
  const name = await nameOf(partition);
  if (name !== undefined) tell(name, partition, exchange);
  return {
    id: requestId(exchange.request.headers),
    outcome,
    reason,
    status,
    method: exchange.request.method.slice(0, MAX_METHOD),
    route: exchange.route.name,
    path: config.logPath ? shownPath(exchange.request.url) : undefined,
    policy,
    partition: name,
    colo: coloOf(exchange) || undefined,
    limiter: limiterError,
    shadow: shadow || undefined,
  };
};
