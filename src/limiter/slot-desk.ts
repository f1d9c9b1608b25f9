// Hands out the slots of one partition in the object: stores what must survive, and lets those wait whose slot may be back at
// any moment.
import { type SlotAsk, type SlotNote, type SlotReply, VERSION } from './messages.ts';
import type { SlotPolicy } from './policy.ts';
import { Slots, type StoredSlots } from './slots.ts';

/** Asks that wait at one time; beyond it they are answered at once. */
const MAX_WAITING = 1_024;

/** No ask waits longer. */
const MAX_WAIT_MS = 5_000;

/** At rest for so long, what is stored goes: a memory that is lost later has lent nothing. */
const REST_MS = 2_000;

/** Where the records are kept. */
interface Shelf {
  save(record: StoredSlots): void;
  clear(): void;
}

/** An ask that waits; it is answered once. */
interface Waiting {
  readonly ask: SlotAsk;
  answer(reply: SlotReply): void;
}

export class SlotDesk {
  readonly #slots: Slots;
  readonly #shelf: Shelf;
  /** In the order they came. */
  readonly #waiting = new Set<Waiting>();
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(stored: StoredSlots | undefined, shelf: Shelf) {
    this.#slots = new Slots(stored);
    this.#shelf = shelf;
  }

  /**
   * Lends what is free; where nothing is, waits for what comes back, which those that wait get first. Who waits, since it needs
   * another slot too, keeps nobody from what is free.
   */
  take(ask: SlotAsk): SlotReply | Promise<SlotReply> {
    const reply = this.#lend(ask);
    if (reply.lent > 0 || !this.#hasRoom(ask)) return reply;
    return this.#wait(ask);
  }

  note({ policies, held = [], ended = [] }: SlotNote): void {
    const now = Date.now();
    this.#slots.end(now, ended, policies);
    this.#store(this.#slots.renew(now, held, policies).write);
    this.#serve();
    this.#rest();
  }

  /** Slots of a policy that are left. */
  free(policy: SlotPolicy): number {
    return this.#slots.free(Date.now(), policy);
  }

  #lend({ names, policies }: SlotAsk): SlotReply {
    const { lent, write } = this.#slots.lend(Date.now(), names, policies);
    this.#store(write);
    return { version: VERSION, lent, free: policies.map((policy) => this.free(policy)) };
  }

  /** A caller that keeps to its limit never has more requests waiting than it has slots. */
  #hasRoom(asked: SlotAsk): boolean {
    const { policies, waitMs } = asked;
    const others = [...this.#waiting].filter((other) => isSharing(other.ask, asked));
    const waiting = others.reduce((sum, { ask }) => sum + ask.names.length, 0);
    const room = Math.min(...policies.map(({ slots }) => slots));
    return waitMs > 0 && waiting < room && this.#waiting.size < MAX_WAITING;
  }

  #wait(ask: SlotAsk): Promise<SlotReply> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiting.answer(this.#lend(ask)), Math.min(ask.waitMs, MAX_WAIT_MS));
      const waiting: Waiting = {
        ask,
        answer: (reply) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          resolve(reply);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      const reply = this.#lend(waiting.ask);
      if (reply.lent > 0) waiting.answer(reply);
    }
  }

  #store(record: StoredSlots | undefined): void {
    if (record !== undefined) this.#shelf.save(record);
  }

  #rest(): void {
    if (this.#restTimer !== undefined || !this.#slots.isAtRest(Date.now())) return;
    this.#restTimer = setTimeout(() => {
      this.#restTimer = undefined;
      if (!this.#slots.isAtRest(Date.now())) return;
      this.#slots.forget();
      this.#shelf.clear();
    }, REST_MS);
  }
}

const isSharing = (a: SlotAsk, b: SlotAsk): boolean =>
  a.policies.some(({ counter }) => b.policies.some((other) => other.counter === counter));
