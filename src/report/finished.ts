// A request that has been answered, as Pulse counts it.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import type { Finished } from '../pulse/finished.ts';
import { coloOf, ownMs, tierOf } from './data-point.ts';
import { reportedPartition } from './partition-name.ts';

/** @param status of the response. */
export const finishedOf = (exchange: Exchange, status: number, config: Config): Finished => {
  const { trace, route } = exchange;
  return {
    at: Date.now(),
    outcome: trace.outcome,
    forwarded: trace.forwarded,
    status,
    route: route.name,
    tier: tierOf(exchange, config),
    colo: coloOf(exchange),
    reason: trace.reason,
    policy: trace.policy,
    limiterError: trace.limiterError,
    shadow: trace.shadow,
    partition: reportedPartition(exchange, config),
    source: trace.limiterError === undefined ? trace.source : 'failed',
    waitMs: ownMs(trace),
  };
};
