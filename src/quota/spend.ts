// Takes a request's permits of every partition it meets: first those that may refuse it, then those in shadow mode.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { clientAddress, type Facts, isExempt, partitionOf } from '../partition.ts';
import { paramsOf } from '../routing/params.ts';
import { sentPath } from '../routing/sent-path.ts';
import type { Caller, Charge, Plan } from './charge.ts';
import { isRefusing, type Outcome } from './outcome.ts';
import type { Permits } from './permits.ts';
import { chargesOf, missingClaims } from './plan.ts';

/** Outcomes at hand, where this isolate already knew; else to come. */
export type Spent = readonly Outcome[] | Promise<readonly Outcome[]>;

export const isAtHand = (spent: Spent): spent is readonly Outcome[] => Array.isArray(spent);

/** Finds what a request is charged, by its route, caller, tier and claims. */
export const chargeFinder = (config: Config) => {
  const chargeOf = chargesOf(config);
  const { exemptAddresses, tokens } = config;
  return (exchange: Exchange): Charge => {
    const { route, identity, request } = exchange;
    const exempt = exemptAddresses.length > 0 && isExempt(clientAddress(request), exemptAddresses);
    const missing = missingClaims(identity, tokens.keyClaims);
    return chargeOf(route, callerOf(exchange), identity?.tier, missing, exempt);
  };
};

const callerOf = ({ preflight, identity, unidentified }: Exchange): Caller => {
  if (preflight) return 'preflight';
  if (identity !== undefined) return 'subject';
  return unidentified ? 'unidentified' : 'anonymous';
};

/** What the partitions of a request are named by. */
export const factsOf = ({ identity, request }: Exchange, { ipv6Prefix }: Config): Facts => ({
  identity,
  address: clientAddress(request),
  ipv6Prefix,
  param: (key) => paramsOf(key, sentPath(request.url))[key.name] ?? '',
});

/** Spends a charge. A request that is refused spends nothing of what is in shadow mode, so that is asked only after. */
export const spender = (config: Config, permits: Permits) => {
  return (exchange: Exchange, { enforced, shadow }: Charge): Spent => {
    const facts = factsOf(exchange, config);
    const holdingOf = (plan: Plan) => permits.holdingOf(plan, partitionOf(plan.key, facts));
    const outcomes = permits.use(exchange, enforced.map(holdingOf), true);
    if (shadow.length === 0) return outcomes;
    return andThen(outcomes, (first) =>
      first.some(isRefusing)
        ? first
        : andThen(permits.use(exchange, shadow.map(holdingOf), false), (more) => [...first, ...more]),
    );
  };
};

/** At once, where the outcomes are at hand. */
const andThen = (spent: Spent, go: (outcomes: readonly Outcome[]) => Spent): Spent =>
  isAtHand(spent) ? go(spent) : spent.then(go);
