// A Limiter under virtual time: the real ledger and slot desk, and storage as the platform has it.
import { Ledger } from '../../src/limiter/ledger.ts';
import type {
  Ask,
  Reply,
  Return,
  Settlement,
  SlotAsk,
  SlotNote,
  SlotReply,
} from '../../src/limiter/messages.ts';
import { SlotDesk } from '../../src/limiter/slot-desk.ts';
import type { StoredSlots } from '../../src/limiter/slots.ts';
import type { Stored } from '../../src/limiter/stored.ts';

/** What came of a call, and whether something must become durable before it leaves. */
export interface Done<T> {
  readonly answer: T;
  readonly written: boolean;
}

export class VirtualLimiter {
  /** Where it was asked for first: objects stay there. */
  readonly colo: number;
  rows = 0;
  #stored: Stored | undefined;
  #storedSlots: StoredSlots | undefined;
  #loads = 0;
  #ledger = new Ledger(undefined, '0');
  #desk = this.#openDesk();
  /** Fails what waits when memory is lost. */
  #lost = Promise.withResolvers<never>();

  constructor(colo: number) {
    this.colo = colo;
    this.#lost.promise.catch(() => {});
  }

  /** Memory is gone, and whoever waits in it fails; storage stays. */
  crash(): void {
    this.#loads++;
    this.#ledger = new Ledger(this.#stored, String(this.#loads));
    this.#desk = this.#openDesk();
    this.#lost.reject(new Error('the object was reset'));
    this.#lost = Promise.withResolvers();
    this.#lost.promise.catch(() => {});
  }

  consume(ask: Ask): Done<Reply> {
    const { reply, write } = this.#ledger.consume(Date.now(), structuredClone(ask));
    return { answer: structuredClone(reply), written: this.#save(write) };
  }

  settle(settlement: Settlement): Done<void> {
    const { write } = this.#ledger.settle(Date.now(), structuredClone(settlement));
    return { answer: undefined, written: this.#save(write) };
  }

  giveBack(unused: Return): Done<void> {
    this.#ledger.giveBack(Date.now(), structuredClone(unused));
    return { answer: undefined, written: false };
  }

  async takeSlots(ask: SlotAsk): Promise<Done<SlotReply>> {
    const before = this.rows;
    const answer = await Promise.race([this.#desk.take(structuredClone(ask)), this.#lost.promise]);
    return { answer, written: this.rows > before };
  }

  noteSlots(note: SlotNote): Done<void> {
    const before = this.rows;
    this.#desk.note(structuredClone(note));
    return { answer: undefined, written: this.rows > before };
  }

  #save(write: Stored | undefined): boolean {
    if (write === undefined) return false;
    this.#stored = structuredClone(write);
    this.rows++;
    return true;
  }

  /** One whose memory is lost writes no more. */
  #openDesk(): SlotDesk {
    const load = this.#loads;
    const keep = (record: StoredSlots | undefined): void => {
      if (load !== this.#loads) return;
      this.#storedSlots = structuredClone(record);
      this.rows++;
    };
    return new SlotDesk(this.#storedSlots, { save: keep, clear: () => keep(undefined) });
  }
}
