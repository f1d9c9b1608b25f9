// A request that has been answered, as Pulse counts it.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { callerPartition } from '../partition.ts';
import type { Finished } from '../pulse/finished.ts';
import { coloOf, ownMs } from './data-point.ts';

/** @param status of the response. */
export const finishedOf = (exchange: Exchange, status: number, { policies }: Config): Finished => {
  const { trace, route, request, identity } = exchange;
  const tier = identity?.tier ?? '';
  return {
    at: Date.now(),
    outcome: trace.outcome,
    forwarded: trace.forwarded,
    status,
    route: route.name,
    tier: policies.tiers.has(tier) ? tier : '',
    colo: coloOf(exchange),
    reason: trace.reason,
    policy: trace.policy,
    limiterError: trace.limiterError,
    shadow: trace.shadow,
    partition: trace.partition ?? callerPartition(request),
    source: trace.limiterError === undefined ? trace.source : 'failed',
    waitMs: ownMs(trace),
  };
};
