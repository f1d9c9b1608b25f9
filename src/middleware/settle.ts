// Settles what a request really cost, where its answer tells: `count` and `cost_header`.
import type { Next } from 'hono';
import type { Exchange } from '../exchange.ts';
import { permitsOf } from '../limiter/counters.ts';
import { isCopyable } from '../origin/response.ts';
import type { Outcome } from '../quota/outcome.ts';
import type { Permits } from '../quota/permits.ts';
import { costHeadersOf, realCost } from '../quota/real-cost.ts';
import { writableHeaders } from './answer.ts';
import type { WeirContext } from './step.ts';

/**
 * Has the request go on, then says what it spent of each outcome. Where that is not known, since nothing answered or the
 * client left, it is what it was charged, and no less than an answer tells: else a client could leave to hide it.
 *
 * @returns the outcomes with what then is left.
 */
export const settleAfter = async (
  c: WeirContext,
  next: Next,
  permits: Permits,
  outcomes: readonly Outcome[],
): Promise<readonly Outcome[]> => {
  const exchange = c.get('exchange');
  let costOf = (cost: number): number => cost;
  try {
    await next();
    costOf = costTold(c, exchange);
  } finally {
    for (const outcome of outcomes) permits.settle(exchange, outcome, costOf(outcome.holding.plan.cost));
  }
  exchange.trace.cost = Math.max(...outcomes.map(({ holding }) => costOf(holding.plan.cost)));
  const left = outcomes.map((outcome) => leftOf(outcome, costOf(outcome.holding.plan.cost)));
  hideCost(c, exchange);
  return left;
};

/** What the answer says that a request of this cost has really cost. */
const costTold = (c: WeirContext, { route, trace, signal }: Exchange): ((cost: number) => number) => {
  const { status, headers } = c.res;
  const answered = {
    status,
    failed: trace.outcome === 'origin_error',
    header: (name: string) => headers.get(name),
  };
  return (cost) => Math.max(signal.aborted ? cost : 0, realCost(route, cost, answered));
};

const hideCost = (c: WeirContext, { route }: Exchange): void => {
  for (const name of costHeadersOf(route))
    if (c.res.headers.has(name) && isCopyable(c.res.status)) writableHeaders(c).delete(name);
};

const leftOf = (outcome: Outcome, used: number): Outcome => {
  const { policies, holding } = outcome;
  const decisions = outcome.decisions.map((decision, i) => {
    const policy = policies[i];
    const charged = policy === undefined ? used : permitsOf(policy, holding.plan.cost);
    return { ...decision, remaining: Math.max(0, decision.remaining + charged - used) };
  });
  return { ...outcome, decisions };
};
