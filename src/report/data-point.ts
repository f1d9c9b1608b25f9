// The Analytics Engine data point of a request. The order of its parts is a contract: docs/operate.md has SQL on it.
import { isTier } from '../config/tiers.ts';
import type { Config } from '../config/types.ts';
import type { Exchange, Trace } from '../exchange.ts';

/** @param partition its name as in the log, which is what data points are sampled by. */
export const dataPoint = (
  exchange: Exchange,
  status: number,
  partition: string | undefined,
  config: Config,
): AnalyticsEngineDataPoint => {
  const { trace } = exchange;
  return {
    indexes: partition === undefined ? [] : [partition],
    blobs: [
      trace.outcome,
      trace.reason ?? '',
      exchange.route.name,
      trace.policy ?? '',
      tierOf(exchange, config),
      coloOf(exchange),
      trace.limiterError ?? '',
      trace.shadow ? 'shadow' : '',
    ],
    doubles: [status, trace.cost, trace.remainingShare, ownMs(trace)],
  };
};

/** The caller's tier; empty for one that no limits are set for, which is whatever the token says. */
export const tierOf = ({ identity }: Exchange, config: Config): string =>
  identity?.tier !== undefined && isTier(identity.tier, config) ? identity.tier : '';

/** The data centre, such as `FRA`; empty outside Cloudflare. */
export const coloOf = (exchange: Exchange): string => String(exchange.request.cf?.colo ?? '');

/** Weir's own milliseconds, until the request went on or was refused. */
export const ownMs = ({ arrived, decidedAt }: Trace): number => (decidedAt ?? Date.now()) - arrived;
