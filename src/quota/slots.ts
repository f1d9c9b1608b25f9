// Where an isolate's requests get slots from, and give them back to: the Limiter, else the failure policy.
import type { Config } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { type SlotAsk, type SlotReply, VERSION } from '../limiter/messages.ts';
import type { SlotPolicy } from '../limiter/policy.ts';
import type { Asker } from './asks.ts';
import { keyOf, type SlotPlan } from './charge.ts';
import { LimiterClient } from './client.ts';
import { LimiterError } from './limiter-error.ts';
import {
  endSlot,
  failAsking,
  freeHere,
  type HeldSlot,
  hold,
  isCrowded,
  isFull,
  joinPool,
  newPool,
  RENEW_MS,
  type SlotAnswer,
  type SlotAsking,
  type SlotPool,
  type SlotWaiter,
  settleAsking,
  settleRenewal,
  startAsking,
  startRenewal,
} from './slot-pool.ts';
import { Bell, LOST_MS } from './waiting.ts';

/** Pools, and partitions, of which something is kept. */
const CAPACITY = 20_000;

/**
 * A request waits so long for a slot at most: one that its caller saw end may not be back yet, or came from another isolate.
 */
const WAIT_MS = 500;

/** Whether a request may be in flight under one plan, and what its fields should say. */
export interface SlotOutcome {
  readonly plan: SlotPlan;
  readonly partition: string;
  readonly allowed: boolean;
  /** None where the partition is exempt. */
  readonly policies: readonly SlotPolicy[];
  /** Slots that are left of each; empty where nobody knows. */
  readonly free: readonly number[];
  /** The Limiter did not answer and the failure policy decided. */
  readonly error: LimiterError | undefined;
  /** Gives the slot back, where there is one. Once; again does nothing. */
  end(): void;
}

const noSlot = (): void => {};

export class Slots {
  readonly #client: LimiterClient;
  readonly #config: Config;
  readonly #pools = new BoundedMap<string, SlotPool>(CAPACITY);
  readonly #held = new BoundedMap<string, SlotPool['held']>(CAPACITY);
  /** Names this isolate. */
  readonly #isolate = crypto.randomUUID();
  #count = 0;

  constructor(config: Config) {
    this.#config = config;
    this.#client = new LimiterClient(config);
  }

  /**
   * Takes a slot of every policy of a plan, and holds it until its `end`, or until the client leaves; of one that has left by then
   * it is back already.
   */
  async take(asker: Asker, plan: SlotPlan, partition: string): Promise<SlotOutcome> {
    const pool = this.#poolOf(plan, partition);
    const answer = await this.#wait(asker, pool);
    const outcome = { plan, partition, policies: plan.policies, error: undefined };
    switch (answer.kind) {
      case 'lent': {
        const end = this.#keep(asker, answer.slot);
        return { ...outcome, allowed: !asker.signal.aborted, free: answer.slot.free, end };
      }
      case 'exempt':
        return { ...outcome, allowed: true, policies: [], free: [], end: noSlot };
      case 'denied':
        return { ...this.denial(plan, partition), free: answer.free };
      case 'failed':
        return { ...outcome, error: answer.error, ...this.#withoutLimiter(asker, pool) };
    }
  }

  /** Whether a request need not even be asked for: as many wait already as may pass. */
  isCrowded(plan: SlotPlan, partition: string): boolean {
    const pool = this.#pools.get(keyOf(plan, partition));
    return pool !== undefined && isCrowded(pool, Date.now());
  }

  /** What is said where it is crowded. */
  denial(plan: SlotPlan, partition: string): SlotOutcome {
    const { policies } = plan;
    return { plan, partition, policies, allowed: false, free: noneFree(plan), error: undefined, end: noSlot };
  }

  #poolOf(plan: SlotPlan, partition: string): SlotPool {
    const key = keyOf(plan, partition);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const held = this.#held.get(partition) ?? new Map<string, HeldSlot>();
    this.#held.set(partition, held);
    const pool = newPool(plan, partition, held);
    this.#pools.set(key, pool);
    return pool;
  }

  async #wait(asker: Asker, pool: SlotPool): Promise<SlotAnswer> {
    let answer: SlotAnswer | undefined;
    const bell = new Bell();
    const now = Date.now();
    const waiter: SlotWaiter = {
      state: 'waiting',
      until: now + WAIT_MS,
      tell(told) {
        answer = told;
        bell.ring();
      },
    };
    const denied: SlotAnswer = { kind: 'denied', free: noneFree(pool.plan) };
    if (asker.signal.aborted || !joinPool(pool, waiter, now)) return denied;
    for (const end = waiter.until + 2 * this.#timeoutMs; Date.now() < end; ) {
      if (waiter.state === 'waiting') this.#ask(asker, pool);
      if (waiter.state === 'waiting' && Date.now() >= waiter.until) break;
      await bell.rung();
      const told: SlotAnswer | undefined = answer;
      if (told !== undefined) return told;
    }
    const wasAsked = waiter.state === 'asked';
    waiter.state = 'left';
    return wasAsked ? { kind: 'failed', error: new LimiterError('limiter_timeout') } : denied;
  }

  /** Milliseconds until an ask is counted as lost. */
  get #timeoutMs(): number {
    return this.#config.limiterTimeoutMs + LOST_MS;
  }

  /** Asks for all that wait, behind the request: what comes of it is theirs, whatever becomes of this one. */
  #ask(asker: Asker, pool: SlotPool): void {
    const asking = startAsking(pool, Date.now(), WAIT_MS + 2 * this.#timeoutMs);
    if (asking !== undefined) asker.waitUntil(this.#fetch(asker, pool, asking));
  }

  async #fetch(asker: Asker, pool: SlotPool, asking: SlotAsking): Promise<void> {
    try {
      const { names, reply } = await this.#askTwice(asker, pool, asking);
      const unwanted = settleAsking(pool, asking, names, reply, Date.now());
      if (unwanted.length > 0) await this.#tellEnded(asker, pool, unwanted);
      this.#ask(asker, pool);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
      failAsking(pool, asking, error);
    }
  }

  /** Those that wait in an object that is lost or moved fail all at once: they ask the one that follows. */
  async #askTwice(
    asker: Asker,
    pool: SlotPool,
    asking: SlotAsking,
  ): Promise<{ names: readonly string[]; reply: SlotReply }> {
    try {
      return await this.#askOnce(asker, pool, asking);
    } catch (error) {
      if (!(error instanceof LimiterError) || error.reason !== 'limiter_failed') throw error;
      return this.#askOnce(asker, pool, asking);
    }
  }

  async #askOnce(
    asker: Asker,
    pool: SlotPool,
    { waiters }: SlotAsking,
  ): Promise<{ names: readonly string[]; reply: SlotReply }> {
    const { plan, partition } = pool;
    const names = waiters.map(() => this.#nextName());
    const waitMs = Math.max(...waiters.map(({ until }) => until)) - Date.now();
    const ask: SlotAsk = { version: VERSION, policies: plan.policies, names, waitMs };
    let answer: Promise<SlotReply> | undefined;
    try {
      const take = (limiter: DurableObjectStub<Limiter>): Promise<SlotReply> => {
        answer = limiter.takeSlots(ask);
        return answer;
      };
      const reply = await this.#client.call(asker.env, partition, take, Math.max(0, waitMs));
      return { names, reply };
    } catch (error) {
      if (answer !== undefined) asker.waitUntil(this.#endLate(asker, pool, names, answer));
      throw error;
    }
  }

  /** Slots that were lent too late go back. */
  async #endLate(
    asker: Asker,
    pool: SlotPool,
    names: readonly string[],
    answer: Promise<SlotReply>,
  ): Promise<void> {
    const late = await answer.catch(() => undefined);
    if (late === undefined || late.lent === 0 || late.exempt) return;
    await this.#tellEnded(asker, pool, names.slice(0, late.lent));
  }

  #nextName(): string {
    return `${this.#isolate}.${this.#count++}`;
  }

  /**
   * Keeps a slot for a request: renews it, with all others of its pool, while the request lives.
   * @returns what gives it back.
   */
  #keep(asker: Asker, slot: HeldSlot): () => void {
    const { pool, name } = slot;
    let isOver = false;
    const touch = () => {
      slot.touchedAt = Date.now();
      pool.held.set(name, slot);
      this.#renew(asker, pool);
      timer = setTimeout(touch, RENEW_MS);
    };
    let timer = setTimeout(touch, RENEW_MS);
    const end = () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      if (endSlot(slot, Date.now())) asker.waitUntil(this.#tellEnded(asker, pool, [name]));
    };
    asker.signal.addEventListener('abort', end, { once: true });
    if (asker.signal.aborted) end();
    return end;
  }

  #renew(asker: Asker, pool: SlotPool): void {
    const held = startRenewal(pool, Date.now());
    if (held.length > 0) asker.waitUntil(this.#tellHeld(asker, pool, held));
  }

  /** Of a Limiter that does not answer the next ask reports; the next renewal comes in time. */
  async #tellHeld({ env }: Asker, pool: SlotPool, held: readonly string[]): Promise<void> {
    const { plan, partition } = pool;
    const sentAt = Date.now();
    const note = { version: VERSION, policies: plan.policies, held };
    try {
      await this.#client.call(env, partition, (limiter) => limiter.noteSlots(note));
      settleRenewal(pool, held, sentAt);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
    }
  }

  /** Never told twice: the Limiter may have heard it. What it does not hear comes back by itself. */
  async #tellEnded({ env }: Asker, { plan, partition }: SlotPool, ended: readonly string[]): Promise<void> {
    const note = { version: VERSION, policies: plan.policies, ended };
    await this.#client.call(env, partition, (limiter) => limiter.noteSlots(note)).catch(noSlot);
  }

  /** `closed` denies, `open` allows, `local` lends as many slots as there are, less those that this isolate has. */
  #withoutLimiter(asker: Asker, pool: SlotPool): Pick<SlotOutcome, 'allowed' | 'free' | 'end'> {
    const { onLimiterError } = this.#config;
    if (onLimiterError !== 'local') return { allowed: onLimiterError === 'open', free: [], end: noSlot };
    const now = Date.now();
    if (isFull(pool, now)) return { allowed: false, free: noneFree(pool.plan), end: noSlot };
    const slot = hold(pool, this.#nextName(), now, freeHere(pool), undefined);
    const end = this.#keep(asker, slot);
    return { allowed: !asker.signal.aborted, free: slot.free, end };
  }
}

const noneFree = ({ policies }: SlotPlan): readonly number[] => policies.map(() => 0);
