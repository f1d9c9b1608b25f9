// Slot pools: which slots of one partition and plan an isolate's requests hold, and which requests wait for one. Plain data
// and functions of it, so that requests may share it; no clock, no I/O.
import type { SlotReply } from '../limiter/messages.ts';
import { SLOT_MS } from '../limiter/slots.ts';
import type { SlotPlan } from './charge.ts';
import type { LimiterError } from './limiter-error.ts';

/** Asks under way at one pool, so that who comes while one waits need not wait for its end. */
const MAX_ASKS = 2;

/** Slots of one ask, and requests that wait at one pool, at most. */
const MAX_NAMES = 1_024;

/** A slot tells the Limiter so often, by its request, that it is held. */
export const RENEW_MS = 5_000;

/** A request that did not touch its slot for so long was dropped by the runtime, which tells nobody. */
const DROPPED_MS = 2.5 * RENEW_MS;

/**
 * A slot that the Limiter has not acknowledged for so long is spoken of no more. It comes back there a little later, and may
 * then be lent to another; the difference is for messages on their way.
 */
const UNHEARD_MS = SLOT_MS - RENEW_MS;

/** A slot is handed on to requests that wait here for so long; then whoever waits elsewhere has its turn. */
const HANDED_ON_MS = 1_000;

/** A slot that a request holds. */
export interface HeldSlot {
  readonly name: string;
  readonly pool: SlotPool;
  readonly lentAt: number;
  /** When what the Limiter last acknowledged was sent. */
  heardAt: number;
  /** Slots that were left when it was lent, by policy. */
  readonly free: readonly number[];
  /** Lent by the failure policy: the Limiter knows nothing of it. */
  readonly local: boolean;
  /** When its request was last seen alive. */
  touchedAt: number;
}

/** What a waiting request is told. */
export type SlotAnswer =
  | { readonly kind: 'lent'; readonly slot: HeldSlot }
  | { readonly kind: 'denied'; readonly free: readonly number[] }
  | { readonly kind: 'exempt' }
  | { readonly kind: 'failed'; readonly error: LimiterError };

/** A request that waits. */
export interface SlotWaiter {
  state: 'waiting' | 'asked' | 'told' | 'left';
  /** Its patience: by then it has been asked for. */
  readonly until: number;
  readonly tell: (answer: SlotAnswer) => void;
}

/** An ask that is under way. */
export interface SlotAsking {
  readonly waiters: readonly SlotWaiter[];
  readonly askedAt: number;
  /** By then it is counted as lost. */
  readonly deadline: number;
}

export interface SlotPool {
  readonly plan: SlotPlan;
  readonly partition: string;
  /** Of the whole partition, under whatever plan, by name. */
  readonly held: Map<string, HeldSlot>;
  /** In the order they came. */
  waiters: SlotWaiter[];
  asking: SlotAsking[];
  renewedAt: number;
}

export const newPool = (plan: SlotPlan, partition: string, held: SlotPool['held']): SlotPool => ({
  plan,
  partition,
  held,
  waiters: [],
  asking: [],
  renewedAt: 0,
});

/** Slots there are at most, by the plan. */
const sizeOf = ({ plan }: SlotPool): number => Math.min(...plan.policies.map(({ slots }) => slots));

/** Whether as many wait as there are slots: whoever keeps to its limit never has more. */
export const isCrowded = (pool: SlotPool, now: number): boolean => {
  pool.waiters = pool.waiters.filter(({ state, until }) =>
    state === 'asked' ? pool.asking.length > 0 : state === 'waiting' && now < until,
  );
  return pool.waiters.length >= Math.min(sizeOf(pool), MAX_NAMES);
};

/** Puts a request among those that wait; false where it is crowded. */
export const joinPool = (pool: SlotPool, waiter: SlotWaiter, now: number): boolean => {
  if (isCrowded(pool, now)) return false;
  pool.waiters.push(waiter);
  return true;
};

/** What is to be asked now, if anything: a slot for each request that waits and that nobody asks for yet. */
export const startAsking = (pool: SlotPool, now: number, timeoutMs: number): SlotAsking | undefined => {
  pool.asking = pool.asking.filter(({ deadline }) => now < deadline);
  const waiters = pool.waiters.filter(({ state, until }) => state === 'waiting' && now < until);
  if (pool.asking.length >= MAX_ASKS || waiters.length === 0) return undefined;
  for (const waiter of waiters) waiter.state = 'asked';
  const asking = { waiters, askedAt: now, deadline: now + timeoutMs };
  pool.asking.push(asking);
  return asking;
};

/**
 * Hands out what came of an ask. Those that got none ask again where others did, and are denied where nobody did.
 * @returns names of slots that nobody takes any more.
 */
export const settleAsking = (
  pool: SlotPool,
  asking: SlotAsking,
  names: readonly string[],
  reply: SlotReply,
  now: number,
): readonly string[] => {
  endAsking(pool, asking);
  const lent = reply.exempt ? [] : names.slice(0, reply.lent);
  for (const waiter of asking.waiters.filter(({ state }) => state === 'asked')) {
    // Slots of the failure policy are in use still, of which the Limiter does not know.
    const name = isFull(pool, now) ? undefined : lent.shift();
    if (reply.exempt) tell(waiter, { kind: 'exempt' });
    else if (name !== undefined)
      tell(waiter, { kind: 'lent', slot: hold(pool, name, now, reply.free, asking.askedAt) });
    else if (reply.lent > 0 && lent.length === 0) waiter.state = 'waiting';
    else tell(waiter, { kind: 'denied', free: reply.free });
  }
  return lent;
};

/** Nothing is known of what was asked for. */
export const failAsking = (pool: SlotPool, asking: SlotAsking, error: LimiterError): void => {
  endAsking(pool, asking);
  for (const waiter of asking.waiters) tell(waiter, { kind: 'failed', error });
};

const endAsking = (pool: SlotPool, asking: SlotAsking): void => {
  pool.asking = pool.asking.filter((other) => other !== asking);
};

const tell = (waiter: SlotWaiter, answer: SlotAnswer): void => {
  if (waiter.state !== 'asked') return;
  waiter.state = 'told';
  waiter.tell(answer);
};

/**
 * Books a slot that a request holds from now on.
 * @param askedAt when the Limiter was asked for it; undefined for one of the failure policy.
 */
export const hold = (
  pool: SlotPool,
  name: string,
  now: number,
  free: readonly number[],
  askedAt: number | undefined,
): HeldSlot => {
  const local = askedAt === undefined;
  const slot = { name, pool, local, free, lentAt: now, heardAt: askedAt ?? now, touchedAt: now };
  pool.held.set(name, slot);
  return slot;
};

/**
 * A request has ended: its slot goes to the first that waits here.
 * @returns whether it goes back to the Limiter instead.
 */
export const endSlot = (slot: HeldSlot, now: number): boolean => {
  const { pool, lentAt, local } = slot;
  const isWanted = ({ state, until }: SlotWaiter) =>
    state === 'asked' || (state === 'waiting' && now < until);
  const isHandedOn = isHeard(slot, now) && now < lentAt + HANDED_ON_MS;
  const next = isHandedOn ? pool.waiters.find(isWanted) : undefined;
  if (next === undefined) {
    pool.held.delete(slot.name);
    return !local && isHeard(slot, now);
  }
  slot.touchedAt = now;
  next.state = 'told';
  next.tell({ kind: 'lent', slot });
  return false;
};

const isHeard = ({ heardAt }: HeldSlot, now: number): boolean => now < heardAt + UNHEARD_MS;

/** Whether as many requests as there are slots hold one here, as far as this isolate knows. */
export const isFull = (pool: SlotPool, now: number): boolean => {
  dropDead(pool, now);
  return pool.plan.policies.some(({ counter, slots }) => slots <= countOf(pool, counter));
};

/** Slots of each policy that are left, as far as this isolate knows. */
export const freeHere = (pool: SlotPool): readonly number[] =>
  pool.plan.policies.map(({ counter, slots }) => Math.max(0, slots - countOf(pool, counter)));

const countOf = ({ held }: SlotPool, counter: string): number =>
  [...held.values()].filter(({ pool }) => pool.plan.policies.some((policy) => policy.counter === counter))
    .length;

/** Names of the slots that the Limiter is to be told of now: none, where it was told a moment ago. */
export const startRenewal = (pool: SlotPool, now: number): readonly string[] => {
  if (now < pool.renewedAt + RENEW_MS / 2) return [];
  pool.renewedAt = now;
  dropDead(pool, now);
  return [...pool.held.values()]
    .filter((slot) => slot.pool === pool && !slot.local && isHeard(slot, now))
    .map(({ name }) => name);
};

/** The Limiter has acknowledged a renewal that was sent at `sentAt`. */
export const settleRenewal = ({ held }: SlotPool, names: readonly string[], sentAt: number): void => {
  for (const name of names) {
    const slot = held.get(name);
    if (slot !== undefined) slot.heardAt = Math.max(slot.heardAt, sentAt);
  }
};

const dropDead = ({ held }: SlotPool, now: number): void => {
  for (const { name, touchedAt } of held.values()) if (now >= touchedAt + DROPPED_MS) held.delete(name);
};
