// Slots: the books of the object and the pools of two isolates, over a network that delays and loses, with crashes of either.
// The judge sees every request in flight.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SlotReply } from '../../src/limiter/messages.ts';
import type { SlotPolicy } from '../../src/limiter/policy.ts';
import { SlotDesk } from '../../src/limiter/slot-desk.ts';
import { SLOT_MS, Slots, type StoredSlots } from '../../src/limiter/slots.ts';
import type { SlotPlan } from '../../src/quota/charge.ts';
import { LimiterError } from '../../src/quota/limiter-error.ts';
import {
  endSlot,
  failAsking,
  type HeldSlot,
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
} from '../../src/quota/slot-pool.ts';

const policyOf = (slots: number, counter = 'default:at-once'): SlotPolicy => ({
  name: `${slots} at once`,
  counter,
  slots,
});

const planOf = (policies: readonly SlotPolicy[]): SlotPlan => ({
  id: 0,
  kind: 'subject',
  key: { kind: 'subject' },
  policies,
  mode: 'enforce',
});

const TIMEOUT_MS = 1_000;

/** How one message and its answer fare. */
interface Fate {
  readonly delays: readonly [there: number, back: number];
  readonly lost: 'no' | 'there' | 'back';
}

type Step =
  | { readonly kind: 'come'; readonly isolate: number; readonly fate: Fate }
  | { readonly kind: 'end'; readonly isolate: number; readonly which: number; readonly fate: Fate }
  | { readonly kind: 'wait'; readonly ms: number; readonly fates: readonly Fate[] }
  | { readonly kind: 'crash-object' }
  | { readonly kind: 'crash-isolate'; readonly isolate: number };

/** An isolate, until it crashes. */
interface Isolate {
  readonly name: string;
  readonly pool: SlotPool;
  /** Its requests in flight. */
  readonly requests: HeldSlot[];
  renewedAt: number;
}

/** One object, two isolates, a network, and a judge. */
class World {
  readonly #policies: readonly SlotPolicy[];
  #now = 1_000_000;
  #stored: StoredSlots | undefined;
  #slots: Slots;
  readonly #isolates: Isolate[];
  readonly #events: { readonly at: number; readonly run: () => void }[] = [];
  /** When the object last knew of a slot. */
  readonly #heardAt = new Map<string, number>();
  #count = 0;
  most = 0;

  constructor(policies: readonly SlotPolicy[]) {
    this.#policies = policies;
    this.#slots = new Slots(undefined);
    this.#isolates = [this.#newIsolate(), this.#newIsolate()];
  }

  play(step: Step): void {
    if (step.kind === 'come') this.#come(this.#isolate(step.isolate), step.fate);
    else if (step.kind === 'end') this.#end(this.#isolate(step.isolate), step.which, step.fate);
    else if (step.kind === 'wait') this.wait(step.ms, step.fates);
    else if (step.kind === 'crash-object') this.#slots = new Slots(this.#stored);
    else this.#isolates[step.isolate] = this.#newIsolate();
    this.#judge();
  }

  /** Time passes; isolates renew what they hold. */
  wait(ms: number, fates: readonly Fate[] = []): void {
    const end = this.#now + ms;
    for (let i = 0; this.#now < end; i++) {
      this.#runUntil(Math.min(end, this.#now + RENEW_MS / 2));
      for (const isolate of this.#isolates) this.#renew(isolate, fates[i % fates.length]);
    }
  }

  /** Every request ends, those that are still to come too, and all that is lost has time to come back. */
  endAll(): void {
    for (let i = 0; i < 20; i++) {
      this.wait(RENEW_MS);
      for (const isolate of this.#isolates)
        while (isolate.requests.length > 0) this.#end(isolate, 0, AT_ONCE);
    }
  }

  get free(): readonly number[] {
    return this.#policies.map((policy) => this.#slots.free(this.#now, policy));
  }

  #isolate(index: number): Isolate {
    const isolate = this.#isolates[index];
    if (isolate === undefined) throw new Error('there are two');
    return isolate;
  }

  #newIsolate(): Isolate {
    const pool = newPool(planOf(this.#policies), 'partition', new Map());
    return { name: `isolate-${this.#count++}`, pool, requests: [], renewedAt: this.#now };
  }

  #runUntil(end: number): void {
    for (;;) {
      const [next] = this.#events.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#events.splice(this.#events.indexOf(next), 1);
      this.#now = next.at;
      next.run();
      this.#judge();
    }
    this.#now = end;
    this.#judge();
  }

  #at(ms: number, run: () => void): void {
    this.#events.push({ at: this.#now + ms, run });
  }

  #come(isolate: Isolate, fate: Fate): void {
    const tell = (answer: SlotAnswer) => {
      if (answer.kind === 'lent') isolate.requests.push(answer.slot);
    };
    const waiter: SlotWaiter = { state: 'waiting', until: this.#now + 500, tell };
    if (joinPool(isolate.pool, waiter, this.#now)) this.#ask(isolate, fate);
  }

  #ask(isolate: Isolate, { delays: [there, back], lost }: Fate): void {
    const { pool, name } = isolate;
    const asking = startAsking(pool, this.#now, 2 * TIMEOUT_MS);
    if (asking === undefined) return;
    const names = asking.waiters.map(() => `${name}.${this.#count++}`);
    if (there + back >= TIMEOUT_MS || lost !== 'no') this.#at(TIMEOUT_MS, () => fail(pool, asking));
    if (lost === 'there') return;
    this.#at(there, () => {
      const { lent, write } = this.#slots.lend(this.#now, names, this.#policies);
      this.#keep(write, names.slice(0, lent));
      if (lost === 'no') this.#at(back, () => this.#settle(isolate, asking, names, lent, there + back));
    });
  }

  #settle(isolate: Isolate, asking: SlotAsking, names: readonly string[], lent: number, took: number): void {
    if (!this.#isolates.includes(isolate)) return;
    const reply: SlotReply = { version: 1, lent, free: this.free };
    const isLate = took >= TIMEOUT_MS;
    const ended = isLate ? names.slice(0, lent) : settleAsking(isolate.pool, asking, names, reply, this.#now);
    if (ended.length > 0) this.#note(ended, [], AT_ONCE);
  }

  #end(isolate: Isolate, which: number, fate: Fate): void {
    const [slot] = isolate.requests.splice(which % Math.max(1, isolate.requests.length), 1);
    if (slot !== undefined && endSlot(slot, this.#now)) this.#note([slot.name], [], fate);
  }

  #renew(isolate: Isolate, fate = AT_ONCE): void {
    if (this.#now < isolate.renewedAt + RENEW_MS) return;
    isolate.renewedAt = this.#now;
    for (const slot of isolate.requests) slot.touchedAt = this.#now;
    const held = startRenewal(isolate.pool, this.#now);
    if (held.length === 0) return;
    const sentAt = this.#now;
    this.#note([], held, fate, () => settleRenewal(isolate.pool, held, sentAt));
  }

  #note(
    ended: readonly string[],
    held: readonly string[],
    { delays: [there, back], lost }: Fate,
    acknowledge = (): void => {},
  ): void {
    if (lost === 'there') return;
    this.#at(there, () => {
      this.#slots.end(this.#now, ended, this.#policies);
      this.#keep(this.#slots.renew(this.#now, held, this.#policies).write, held);
      if (lost === 'no') this.#at(back, acknowledge);
    });
  }

  #keep(write: StoredSlots | undefined, heard: readonly string[]): void {
    this.#stored = write ?? this.#stored;
    for (const name of heard) if (!this.#isLost(name)) this.#heardAt.set(name, this.#now);
  }

  /** Of a request that the object did not hear of for a slot's whole life it knows no more. */
  #isLost(name: string): boolean {
    return this.#now >= (this.#heardAt.get(name) ?? this.#now) + SLOT_MS;
  }

  #judge(): void {
    const inFlight = this.#isolates
      .flatMap(({ requests }) => requests)
      .filter(({ name }) => !this.#isLost(name));
    this.most = Math.max(this.most, inFlight.length);
  }
}

const fail = (pool: SlotPool, asking: SlotAsking): void => {
  if (pool.asking.includes(asking)) failAsking(pool, asking, new LimiterError('limiter_timeout'));
};

const AT_ONCE: Fate = { delays: [1, 1], lost: 'no' };

const fates: fc.Arbitrary<Fate> = fc.record({
  delays: fc.tuple(
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4_000 })),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_500 })),
  ),
  lost: fc.oneof(
    { weight: 6, arbitrary: fc.constant('no' as const) },
    { weight: 1, arbitrary: fc.constantFrom('there' as const, 'back' as const) },
  ),
});

const isolates = fc.integer({ min: 0, max: 1 });

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('come' as const), isolate: isolates, fate: fates }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      isolate: isolates,
      which: fc.nat(9),
      fate: fates,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 30_000 })),
      fates: fc.array(fates, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash-object' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash-isolate' as const), isolate: isolates }) },
);

describe('slots', () => {
  it('are never more than there are, whatever is lost, delayed or crashes, and all come back', () => {
    let served = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(steps, { minLength: 60, maxLength: 160 }),
        (n, all) => {
          const world = new World([policyOf(n)]);
          for (const step of all) world.play(step);
          served += world.most;
          expect(world.most).toBeLessThanOrEqual(n);
          world.endAll();
          expect(world.free).toEqual([n]);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(served).toBeGreaterThan(4_000);
  });

  it('are free once their request has ended, though a renewal that was sent before comes after', () => {
    const slots = new Slots(undefined);
    const policies = [policyOf(1)];
    expect(slots.lend(1_000, ['a'], policies).lent).toBe(1);
    slots.end(2_000, ['a'], policies);
    slots.renew(2_100, ['a'], policies);
    expect(slots.lend(2_200, ['b'], policies).lent).toBe(1);
  });
});

describe('who waits for a slot', () => {
  const [one, many] = [policyOf(1, 'search:at-once'), policyOf(5)];
  const ask = (name: string, policies: readonly SlotPolicy[]) => ({
    ...{ version: 1, policies, names: [name], waitMs: 5_000 },
  });
  /** What is answered by now. */
  const byNow = (reply: SlotReply | Promise<SlotReply>) => Promise.race([reply, Promise.resolve(undefined)]);

  it('has it as soon as it is back', async () => {
    const desk = new SlotDesk(undefined, { save() {}, clear() {} });
    expect((await desk.take(ask('a', [many, one]))).lent).toBe(1);
    const first = desk.take(ask('b', [one]));
    expect(await byNow(first)).toBeUndefined();
    desk.note({ version: 1, policies: [many, one], ended: ['a'] });
    expect((await byNow(first))?.lent).toBe(1);
  });

  it('keeps nobody from slots that are free, though it would take one of those too', async () => {
    const desk = new SlotDesk(undefined, { save() {}, clear() {} });
    await desk.take(ask('a', [many, one]));
    const waiting = desk.take(ask('b', [many, one]));
    expect(await byNow(waiting)).toBeUndefined();
    expect((await byNow(desk.take(ask('c', [many]))))?.lent).toBe(1);
    desk.note({ version: 1, policies: [many, one], ended: ['a'] });
    expect((await byNow(waiting))?.lent).toBe(1);
  });
});
