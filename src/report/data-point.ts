// The Analytics Engine data point of a request. The order of its parts is a contract: docs/operate.md has SQL on it.
import type { Context } from 'hono';
import type { Config } from '../config.ts';
import type { Env, Trace } from '../env.ts';

/** @param partition its name as in the log, which is what data points are sampled by. */
export const dataPoint = (
  c: Context<Env>,
  status: number,
  partition: string | undefined,
  { policies }: Config,
): AnalyticsEngineDataPoint => {
  const trace = c.get('trace');
  const tier = c.get('identity')?.tier ?? '';
  return {
    indexes: partition === undefined ? [] : [partition],
    blobs: [
      trace.outcome,
      trace.reason ?? '',
      c.get('route')?.name ?? '',
      trace.policy ?? '',
      // Any other tier is whatever the token says, and counts as none.
      policies.tiers.has(tier) ? tier : '',
      coloOf(c),
      trace.limiterError ?? '',
      trace.shadow ? 'shadow' : '',
    ],
    doubles: [status, trace.cost ?? 0, trace.remainingShare ?? 1, ownMs(trace)],
  };
};

/** The data centre, such as `FRA`; empty outside Cloudflare. */
export const coloOf = (c: Context<Env>): string => String(c.req.raw.cf?.colo ?? '');

/** Until the request went on, or was refused. */
const ownMs = ({ arrived, decidedAt }: Trace): number => (decidedAt ?? Date.now()) - arrived;
