// Plans: which policies a request meets, of whom, at which cost. Made once per route, kind of caller and tier.
import { tiersOf } from '../config/tiers.ts';
import type { Config, Limit, Mode, Route, RouteLimits, SlotLimit, WindowLimit } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { type Loanable, loanable, type Policy } from '../limiter/policy.ts';
import { ADDRESS, CALLER, isOfCaller, type Key, keyLabel, writtenKey } from '../partition.ts';
import type { Caller, Charge, Plan, SlotPlan } from './charge.ts';
import { constantPolicyField } from './fields.ts';
import { isCostTold, membersOf } from './real-cost.ts';

/** What a request is charged for one limit. */
interface Item<L extends Limit = Limit> {
  readonly limit: L;
  readonly key: Key;
  readonly cost: number;
  readonly mode: Mode;
}

/** Who sends a request, as far as its charge depends on it. */
interface Sender {
  readonly caller: Caller;
  readonly tier: string | undefined;
  /** Claims that limits count by and that the token does not have: there it counts as its subject. */
  readonly lacks: readonly string[];
  /** Its address is in `EXEMPT_ADDRESSES`: only limits by everyone hold. */
  readonly exempt: boolean;
}

const NOTHING: readonly string[] = [];

/** Claims that limits count by and that a token does not have. */
export const missingClaims = (
  identity: Pick<Identity, 'keyValues'> | undefined,
  keyClaims: readonly string[],
): readonly string[] => {
  if (identity === undefined || identity.keyValues?.size === keyClaims.length) return NOTHING;
  return keyClaims.filter((claim) => !identity.keyValues?.has(claim));
};

/** Finds the charge of a request. Every charge is made once per route, kind of caller, tier and claims that are there. */
export const chargesOf = (config: Config) => {
  const charges = new WeakMap<Route, Map<string, Charge>>();
  const known = new Set(tiersOf(config));
  let count = 0;
  return function chargeOf(
    route: Route,
    caller: Caller,
    tier?: string,
    lacks = NOTHING,
    exempt = false,
  ): Charge {
    const named = tier !== undefined && known.has(tier) ? tier : undefined;
    const isPlain = named === undefined && lacks.length === 0 && !exempt;
    const key = isPlain ? caller : JSON.stringify([caller, named, lacks, exempt]);
    const made = charges.get(route)?.get(key);
    if (made !== undefined) return made;
    const charge = makeCharge(config, route, { caller, tier: named, lacks, exempt }, () => count++);
    charges.set(route, new Map([...(charges.get(route) ?? []), [key, charge]]));
    return charge;
  };
};

/** What a request may take beside waiting for its origin. */
const SLACK_MS = 5_000;

const NOT_LOANABLE: Loanable = { leasable: false, byRate: [] };

const makeCharge = (config: Config, route: Route, sender: Sender, nextId: () => number): Charge => {
  const items = strictest(membersOf(route).flatMap((each) => itemsOf(config, each, sender)));
  const atOnce = items.filter(isAtOnce);
  const settles = sender.caller !== 'preflight' && isCostTold(route);
  const held = settles ? { holdMs: config.origin.timeoutMs + SLACK_MS, ...NOT_LOANABLE } : {};
  const met = [...Map.groupBy(items.filter(isOverWindow), groupOf).values()];
  const plans = [
    ...barePlans(config, route, sender, items, nextId),
    ...met.flatMap(([first, ...more]) =>
      first ? [{ ...planOf(config, nextId(), first.key, [first, ...more]), ...held }] : [],
    ),
  ]
    .map((plan) => (atOnce.length === 0 ? plan : { ...plan, awaitsSlot: true }))
    .toSorted((a, b) => Number(isOfCaller(b.key)) - Number(isOfCaller(a.key)));
  const enforced = plans.filter(({ mode }) => mode === 'enforce');
  const shadow = plans.filter(({ mode }) => mode === 'shadow');
  return {
    enforced,
    shadow,
    plans: [...enforced, ...shadow],
    policyField: constantPolicyField([...enforced, ...shadow].flatMap(({ policies }) => policies)),
    settles,
    slots: slotPlans(atOnce, nextId),
  };
};

/** Plans without policies, of partitions that are asked all the same, since an operator may have blocked or exempted them. */
const barePlans = (
  config: Config,
  route: Route,
  sender: Sender,
  items: readonly Item[],
  nextId: () => number,
): readonly Plan[] => {
  const isUnmet = (key: Key) => !items.some((item) => isOverWindow(item) && isSame(item.key, key));
  const own = membersOf(route).some((each) => !each.overrideDefaults && limitsOn(each, sender) !== 'none');
  const callers = standingKeys(config, sender);
  const others = items
    .filter(isAtOnce)
    .filter(({ key }) => isUnmet(key) && !callers.some((other) => isSame(other, key)));
  return [
    ...callers.filter(isUnmet).map((key) => planOf(config, nextId(), key, [], own)),
    ...byKey(others).map(([key, same]) => {
      const isOwn = same.some(({ limit }) => limit.own);
      return planOf(config, nextId(), key, [], isOwn);
    }),
  ];
};

const isAtOnce = (item: Item): item is Item<SlotLimit> => 'slots' in item.limit;
const isOverWindow = (item: Item): item is Item<WindowLimit> => !isAtOnce(item);

/** Those that refuse first, and a caller's own first among them: who is over its own never comes near another's. */
const slotPlans = (items: readonly Item<SlotLimit>[], nextId: () => number): readonly SlotPlan[] => {
  const plans = (['enforce', 'shadow'] as const).flatMap((mode) =>
    byKey(items.filter((item) => item.mode === mode)).map(([key, same]) => ({
      id: nextId(),
      kind: keyLabel(key),
      key,
      policies: same.map(({ limit: { name, counter, slots } }) => ({ name, counter, slots })),
      mode,
    })),
  );
  const rank = ({ key, mode }: SlotPlan) => (mode === 'shadow' ? 2 : 0) + (isOfCaller(key) ? 0 : 1);
  return plans.toSorted((a, b) => rank(a) - rank(b));
};

const byKey = (items: readonly Item<SlotLimit>[]): [Key, Item<SlotLimit>[]][] =>
  [...Map.groupBy(items, ({ key }) => writtenKey(key)).values()].flatMap((same) =>
    same[0] ? [[same[0].key, same]] : [],
  );

/** Policies that one ask can be for. */
const groupOf = ({ key, cost, mode }: Item): string => JSON.stringify([writtenKey(key), cost, mode]);

const isSame = (a: Key, b: Key): boolean => writtenKey(a) === writtenKey(b);

/** What a request on one route is charged. */
const itemsOf = (config: Config, route: Route, sender: Sender): readonly Item[] => {
  const { policies } = config;
  const isPreflight = sender.caller === 'preflight';
  const added = limitsOn(route, sender);
  const defaults = ownLimits(config, sender);
  const own = route.overrideDefaults && !isPreflight ? notOverridden(defaults) : defaults;
  const limits = added === 'none' ? policies.global : [...own, ...added, ...policies.ip, ...policies.global];
  return limits.map((limit) => ({
    limit: limit.key.kind === 'route' ? { ...limit, counter: `${route.name}@${limit.counter}` } : limit,
    key: countedBy(limit.key, sender),
    cost: isPreflight || 'slots' in limit ? 1 : (limit.cost ?? route.cost),
    // A route that is shadowed shadows its own limits alone; one that is not enforces all that hold on it.
    mode: route.mode === 'enforce' ? 'enforce' : limit.mode,
  }));
};

const ownLimits = ({ policies }: Config, { caller, tier }: Sender): readonly Limit[] => {
  if (caller === 'unidentified') return [];
  if (caller === 'subject')
    return (tier === undefined ? undefined : policies.tiers.get(tier)) ?? policies.default;
  return policies[caller];
};

/** A route overrides what counts by route; where nothing does, every limit of the caller's own. */
const notOverridden = (own: readonly Limit[]): readonly Limit[] => {
  const others = own.filter(({ key }) => key.kind !== 'route');
  return others.length < own.length ? others : [];
};

/** What a route adds for a caller; `none`: nothing holds but what is by everyone. */
const limitsOn = ({ limits, tierLimits }: Route, { caller, tier, exempt }: Sender): RouteLimits => {
  if (exempt) return 'none';
  const list = (tier === undefined ? undefined : tierLimits.get(tier)) ?? limits;
  return list === 'none' || MEETS_ROUTE[caller] ? list : [];
};

/** Whether a caller meets the limits that a route adds. */
const MEETS_ROUTE: Readonly<Record<Caller, boolean>> = {
  subject: true,
  anonymous: true,
  preflight: false,
  unidentified: false,
};

/** Whom a request counts as: an anonymous caller as its address, and a token without the claim as its subject. */
const countedBy = (key: Key, { caller, lacks }: Sender): Key => {
  const isLacking = key.kind === 'claim' && (caller !== 'subject' || lacks.includes(key.claim));
  const ofCaller = isLacking || isOfCaller(key);
  return ofCaller ? (caller === 'subject' ? CALLER : ADDRESS) : key;
};

/** Of a limit that several routes lead to, the highest cost, and enforced where one of them enforces it. */
const strictest = (items: readonly Item[]): readonly Item[] => {
  const alike = Map.groupBy(items, ({ limit, key }) => JSON.stringify([writtenKey(key), limit.counter]));
  return [...alike.values()].flatMap((same) => {
    const strict = same.find(({ mode }) => mode === 'enforce') ?? same[0];
    return strict ? [{ ...strict, cost: Math.max(...same.map(({ cost }) => cost)) }] : [];
  });
};

/** @param own whether the partition's own policies apply, where none of them is among the items. */
const planOf = (
  config: Config,
  id: number,
  key: Key,
  items: readonly Item<WindowLimit>[],
  own = false,
): Plan => {
  const policies = items.map(({ limit }) => policyOf(limit));
  return {
    id,
    kind: keyLabel(key),
    key,
    policies,
    cost: items[0]?.cost ?? 1,
    mode: items[0]?.mode ?? 'enforce',
    own: own || policies.some((policy) => policy.own === true),
    ...loanableUnder(config, policies),
  };
};

const loanableUnder = ({ leases, leaseMs }: Config, policies: readonly Policy[]): Loanable =>
  leases === 'off' ? NOT_LOANABLE : loanable(policies, leaseMs);

/** As a Limiter is told of it. */
const policyOf = ({ key: _key, mode: _mode, cost: _cost, ...policy }: WindowLimit): Policy => policy;

/**
 * Partitions that are asked even where none of their policies over a window applies, since their Limiters know whom an operator
 * revoked or blocked: a subject, and what its token claims.
 */
const standingKeys = ({ tokens }: Config, { caller, lacks }: Sender): readonly Key[] => {
  if (caller !== 'subject') return [];
  const claims = tokens.keyClaims.filter((claim) => !lacks.includes(claim));
  return [CALLER, ...claims.map((claim): Key => ({ kind: 'claim', claim }))];
};
