// Counts requests in flight: takes a slot of every policy once a request's permits are granted, and holds it until the body of
// the answer has ended.
import type { Next } from 'hono';
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { untilEnd } from '../lib/until-end.ts';
import { isCopyable } from '../origin/response.ts';
import { partitionOf } from '../partition.ts';
import { concurrencyLimitExceeded, reducedCapacity, upgradeRefused } from '../problem.ts';
import type { SlotPlan } from '../quota/charge.ts';
import { policyField, type Quota, slotItem } from '../quota/fields.ts';
import { LIMITER_RETRY_MS } from '../quota/limiter-error.ts';
import { type SlotOutcome, Slots } from '../quota/slots.ts';
import { factsOf } from '../quota/spend.ts';
import { replaceAnswer } from './answer.ts';
import type { WeirContext } from './step.ts';

/** The permits of a request that looks for slots. */
interface Spent {
  /** It goes on: nothing of them comes back. */
  keep(): void;
  /** It does not: all come back. */
  giveBack(): void;
}

interface SlotGuard {
  /**
   * Refuses what need not be asked for: an upgrade, since nobody can tell when a WebSocket ends, and whoever finds as many
   * waiting as may pass. Undefined: the request may look for slots.
   */
  refuseAtOnce(exchange: Exchange, plans: readonly SlotPlan[]): Response | undefined;
  /** Lets a request go on with a slot of every plan; else refuses it, and its permits go back. */
  pass(c: WeirContext, next: Next, plans: readonly SlotPlan[], spent: Spent): Promise<Response | undefined>;
}

export const slotGuard = (config: Config): SlotGuard => {
  const slots = new Slots(config);

  /** One after the other, until one refuses: who is over its own limit never comes near another's. */
  const takeAll = async (exchange: Exchange, plans: readonly SlotPlan[]): Promise<readonly SlotOutcome[]> => {
    const facts = factsOf(exchange, config);
    const outcomes: SlotOutcome[] = [];
    for (const plan of plans) {
      const outcome = await slots.take(exchange, plan, partitionOf(plan.key, facts));
      outcomes.push(outcome);
      if (isRefusing(outcome)) break;
    }
    return outcomes;
  };

  return {
    refuseAtOnce(exchange, plans) {
      const enforced = plans.filter(isEnforced);
      if (enforced.length > 0 && isUpgrade(exchange)) return refuseUpgrade(exchange);
      const facts = factsOf(exchange, config);
      const crowded = enforced.find((plan) => slots.isCrowded(plan, partitionOf(plan.key, facts)));
      if (crowded === undefined) return undefined;
      return refuse(exchange, [slots.denial(crowded, partitionOf(crowded.key, facts))], config);
    },

    async pass(c, next, plans, { keep, giveBack }) {
      const exchange = c.get('exchange');
      const outcomes = await takeAll(exchange, plans);
      const end = () => {
        for (const outcome of outcomes) outcome.end();
      };
      if (outcomes.some(isRefusing)) {
        end();
        giveBack();
        return refuse(exchange, outcomes, config);
      }
      keep();
      note(exchange, outcomes, config);
      exchange.isBodyWatched = true;
      try {
        await next();
      } catch (error) {
        end();
        throw error;
      }
      exchange.quota = withSlots(exchange.quota, outcomes);
      holdUntilEnd(c, end);
      return undefined;
    },
  };
};

const isEnforced = ({ mode }: SlotPlan): boolean => mode === 'enforce';

const isRefusing = ({ allowed, plan }: SlotOutcome): boolean => !allowed && isEnforced(plan);

/** Nothing is known of it: the Limiter did not answer and the failure policy is `closed`. */
const isUnanswered = ({ error, allowed, free }: SlotOutcome): boolean =>
  error !== undefined && !allowed && free.length === 0;

const isUpgrade = ({ request }: Exchange): boolean => request.headers.has('upgrade');

/** Tells the report. */
const note = ({ trace }: Exchange, outcomes: readonly SlotOutcome[], config: Config): void => {
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed !== undefined) {
    trace.limiterError = config.onLimiterError;
    trace.reason = failed.error?.reason;
  }
  const denied = outcomes.filter(({ allowed }) => !allowed);
  if (denied.length === 0) return;
  trace.partition = denied[0]?.partition;
  trace.policy = denied.flatMap(violated).join(', ');
  trace.shadow = !denied.some(isRefusing);
  trace.outcome = denied.some(isUnanswered) ? 'limiter_error' : 'denied';
  if (failed === undefined) trace.reason = 'too_many_at_once';
};

/** Names of the policies that have no slots left. */
const violated = ({ policies, free }: SlotOutcome): string[] =>
  policies.filter((_, i) => (free[i] ?? 0) === 0).map(({ name }) => name);

/** The one 429, or 503 where the Limiter is down and the failure policy is `closed`. */
const refuse = (exchange: Exchange, outcomes: readonly SlotOutcome[], config: Config): Response => {
  const { trace } = exchange;
  note(exchange, outcomes, config);
  trace.forwarded = false;
  trace.decidedAt = Date.now();
  const refusing = outcomes.filter(isRefusing);
  if (refusing.some(isUnanswered)) return reducedCapacity(LIMITER_RETRY_MS);
  exchange.quota = withSlots(exchange.quota, outcomes);
  return concurrencyLimitExceeded(refusing.flatMap(violated));
};

const refuseUpgrade = ({ trace }: Exchange): Response => {
  trace.outcome = 'denied';
  trace.reason = 'upgrade_at_once';
  return upgradeRefused();
};

/** What the RateLimit fields say of windows, and of slots behind it. */
const withSlots = (quota: Quota | undefined, outcomes: readonly SlotOutcome[]): Quota | undefined => {
  const known = outcomes.filter(({ free, policies }) => free.length > 0 && policies.length > 0);
  if (known.length === 0) return quota;
  const policies = policyField(known.flatMap((outcome) => outcome.policies));
  const limits = known.flatMap((outcome) =>
    outcome.policies.map(({ name }, i) => slotItem(name, outcome.free[i] ?? 0)),
  );
  return {
    policies: quota === undefined ? policies : `${quota.policies}, ${policies}`,
    limits: [...(quota === undefined ? [] : [quota.limits]), ...limits].join(', '),
    nearest: quota?.nearest,
  };
};

/** What Weir answers itself is short and needs no slot. A status that no `Response` can have cannot be held. */
const holdUntilEnd = (c: WeirContext, end: () => void): void => {
  const exchange = c.get('exchange');
  const { res } = c;
  if (!exchange.trace.forwarded || exchange.request.method === 'HEAD' || !isCopyable(res.status)) {
    end();
    return;
  }
  const held = untilEnd(res, lengthOf(exchange, res.headers), end, (work) => exchange.waitUntil(work));
  if (held !== res) replaceAnswer(c, held);
};

/** Of a body that is encoded anew nobody knows the length. */
const lengthOf = ({ isBodyRaw }: Exchange, headers: Headers): number | undefined => {
  const length = headers.get('content-length');
  return length !== null && (isBodyRaw || !headers.has('content-encoding')) ? Number(length) : undefined;
};
