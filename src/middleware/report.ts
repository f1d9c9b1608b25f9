// The step around all that decide: answers uncaught errors, tells the client what remains of its quota, and reports what
// became of the request.
import type { Config } from '../config/types.ts';
import { directoryOf } from '../directory/client.ts';
import { DirectoryReporter } from '../directory/reporter.ts';
import type { Exchange, Trace } from '../exchange.ts';
import { isCopyable } from '../origin/response.ts';
import { uncaughtError } from '../problem.ts';
import { callerNamer } from '../pulse/caller.ts';
import { PulseClient } from '../pulse/client.ts';
import { Reporter } from '../pulse/reporter.ts';
import { addFields } from '../quota/fields.ts';
import { coloOf, dataPoint } from '../report/data-point.ts';
import { finishedOf } from '../report/finished.ts';
import { log, requestId } from '../report/log.ts';
import { type PartitionNamer, partitionNamer, reportedPartition } from '../report/partition-name.ts';
import { sentPath } from '../routing/sent-path.ts';
import { replaceAnswer, writableHeaders } from './answer.ts';
import { exposeFields } from './cors.ts';
import { addServerTiming } from './server-timing.ts';
import type { Step, WeirContext } from './step.ts';

/** Where neither `ANALYTICS` nor `PULSE` is bound, a forwarded request leaves nothing to do after its response. */
export const report = (config: Config): Step => {
  const nameOf = partitionNamer(config.partitionSecret);
  const names = new DirectoryReporter();
  const tell = (name: string, partition: string, exchange: Exchange): void => {
    const directory = directoryOf(exchange.env, config);
    if (directory) names.report({ name, partition }, directory, exchange);
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
    // Hono has already answered what a handler behind us threw.
    if (c.error) noteUncaught(exchange, c.error);
    if ((exchange.quota || config.serverTiming) && isCopyable(c.res.status))
      addHeaders(exchange, writableHeaders(c), config);
    const { status } = c.res;
    if (env.ANALYTICS) exchange.waitUntil(count(env.ANALYTICS, exchange, status, config, nameOf));
    const { PULSE } = env;
    if (PULSE)
      pulse.count(finishedOf(exchange, status, config), () => new PulseClient(PULSE, config), exchange);
    if (isLogged(trace)) log(() => lineOf(exchange, status, config, nameOf, tell), exchange);
  };
};

const noteUncaught = ({ request, trace }: Exchange, error: unknown): void => {
  const isOurs = URL.canParse(request.url);
  trace.outcome = isOurs ? 'internal_error' : 'invalid';
  trace.reason = isOurs ? String(error).slice(0, 200) : 'host_invalid';
};

const addHeaders = (exchange: Exchange, headers: Headers, config: Config): void => {
  if (exchange.quota) {
    addFields(headers, exchange.quota, config.rateLimitHeaders);
    if (!exchange.preflight) exposeFields(headers, config.rateLimitHeaders);
  }
  if (config.serverTiming) addServerTiming(exchange, headers);
};

/** `RESPONSES`: the same body for every refusal of one status. */
const ownBody = (c: WeirContext, { responses }: Config): void => {
  const own = c.get('exchange').trace.forwarded ? undefined : responses.get(c.res.status);
  if (own === undefined) return;
  const { status, headers } = c.res;
  headers.set('Content-Type', own.type);
  replaceAnswer(c, new Response(own.body, { status, headers }));
};

/** Whether a request is logged: refusals, failures and what a failure policy decided. */
const isLogged = ({ outcome, limiterError }: Trace): boolean =>
  (outcome !== 'forwarded' && outcome !== 'near_limit') || limiterError !== undefined;

const count = async (
  analytics: AnalyticsEngineDataset,
  exchange: Exchange,
  status: number,
  config: Config,
  nameOf: PartitionNamer,
): Promise<void> =>
  analytics.writeDataPoint(
    dataPoint(exchange, status, await nameOf(reportedPartition(exchange, config)), config),
  );

/** Lets the admin API know who is behind a name that the log has. */
type Tell = (name: string, partition: string, exchange: Exchange) => void;

/** The longest method and path that a line quotes: the client chooses both. */
const MAX_METHOD = 20;
const MAX_PATH = 200;

/** Without the query, which may hold secrets. */
const shownPath = (url: string): string => sentPath(url).slice(0, MAX_PATH);

/** Holds no token, secret, claim or address: only names of ours, the method and, with `LOG_PATH`, the path. */
const lineOf = async (
  exchange: Exchange,
  status: number,
  config: Config,
  nameOf: PartitionNamer,
  tell: Tell,
) => {
  const { outcome, reason, policy, limiterError, shadow } = exchange.trace;
  const partition = reportedPartition(exchange, config);
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
