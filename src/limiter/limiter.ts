// The Durable Object that holds a partition's policies: the ledger, what an operator set, their storage and the alarm.
// One RPC per decision, with no `await` inside, so that requests cannot interleave.
import { DurableObject } from 'cloudflare:workers';
import { blockedReply } from './blocked.ts';
import { Ledger, type Look } from './ledger.ts';
import {
  type Ask,
  type Reply,
  type Return,
  type Settlement,
  type SlotAsk,
  type SlotNote,
  type SlotReply,
  VERSION,
} from './messages.ts';
import { SlotDesk } from './slot-desk.ts';
import type { StoredSlots } from './slots.ts';
import {
  endOf,
  inForce,
  isRevoked,
  marksOf,
  type Override,
  overridden,
  revoke,
  type Standing,
  shown,
  type TimeMark,
  type TokenMark,
} from './standing.ts';
import { restsAt, type Stored } from './stored.ts';

/** One key, so that one write is one row. */
const KEY = 'ledger';

/**
 * What has drained is kept for so long: a caller who comes back meanwhile finds an alarm set already, so that a visit is one
 * row written, and the alarm moves once a day at most.
 */
const KEPT_MS = 24 * 60 * 60 * 1_000;

/** Of its own, since only an operator changes it. */
const STANDING_KEY = 'standing';

const SLOTS_KEY = 'slots';

interface Record extends Stored {
  /** When the alarm goes off; kept here, since asking the platform for it would need an `await`. */
  readonly alarmAt: number;
}

/** A partition as an operator sees it. */
export interface State extends Look {
  readonly standing: Standing | undefined;
}

export class Limiter extends DurableObject {
  #alarmAt = 0;
  #ledger = this.#load();
  #standing = this.ctx.storage.kv.get<Standing>(STANDING_KEY);
  readonly #slots = this.#loadSlots();

  /** Grants or denies. The output gate holds the reply back until what was written is durable. */
  consume(ask: Ask): Reply {
    return this.#answer(ask.version > VERSION ? strictly(ask) : ask);
  }

  #answer(ask: Ask): Reply {
    const now = Date.now();
    const standing = inForce(this.#standing, now);
    return standing === undefined ? this.#decide(now, ask) : this.#decideUnder(standing, now, ask);
  }

  giveBack(unused: Return): void {
    if (unused.version <= VERSION) this.#ledger.giveBack(Date.now(), unused);
  }

  /** Charges what a request of a hold has really spent. */
  settle(settlement: Settlement): void {
    if (settlement.version > VERSION) return;
    const { write } = this.#ledger.settle(Date.now(), settlement);
    if (write !== undefined) this.#save(write);
  }

  /** Lends slots. Only where none is free it waits, and changes nothing before it is answered. */
  takeSlots(ask: SlotAsk): SlotReply | Promise<SlotReply> {
    const { override } = inForce(this.#standing, Date.now()) ?? {};
    if (override?.limits === 'none')
      return { version: VERSION, lent: ask.names.length, free: [], exempt: true };
    return this.#slots.take(ask);
  }

  noteSlots(note: SlotNote): void {
    this.#slots.note(note);
  }

  look(): State {
    const now = Date.now();
    const standing = inForce(this.#standing, now);
    const policies = shown(standing?.override, this.#ledger.policies);
    return { ...this.#ledger.look(now, policies), standing };
  }

  /** Forgets what was spent and what was usual. Permits that isolates hold live on for a lease's life. */
  reset(): State {
    this.ctx.storage.kv.delete(KEY);
    this.#ledger = this.#load();
    return this.look();
  }

  /** Undefined when there is no room for one more mark. */
  revoke(mark: TokenMark | TimeMark): State | undefined {
    const standing = revoke(this.#standing, mark, Date.now());
    return standing && this.#stand(standing);
  }

  /** Lifts every mark. */
  liftRevocations(): State {
    return this.#stand({ ...this.#standing, before: undefined, jtis: [] });
  }

  /** In place of the one before; undefined lifts it. */
  override(override: Override | undefined): State {
    return this.#stand({ jtis: [], ...this.#standing, override });
  }

  /** An idle partition costs nothing: drained counters go a day later, then, once nothing is in force, everything. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const stored = this.ctx.storage.kv.get<Record>(KEY);
    this.#alarmAt = 0;
    if (stored !== undefined && restsAt(stored) > now) return this.#save(stored);
    if (stored !== undefined) this.ctx.storage.kv.delete(KEY);
    this.#ledger = this.#load();
    this.#standing = inForce(this.#standing, now);
    const slotsUntil = this.ctx.storage.kv.get<StoredSlots>(SLOTS_KEY)?.until ?? 0;
    if (this.#standing !== undefined) this.#arm(endOf(this.#standing));
    if (slotsUntil > now) this.#arm(slotsUntil);
    else if (this.#standing === undefined) await this.ctx.storage.deleteAll();
  }

  #decide(now: number, ask: Ask): Reply {
    const { reply, write } = this.#ledger.consume(now, ask);
    if (write !== undefined) this.#save(write);
    return reply;
  }

  #decideUnder(standing: Standing, now: number, ask: Ask): Reply {
    const marks = marksOf(standing);
    if (marks && ask.token && isRevoked(marks, ask.token))
      return { ...this.#ledger.refuse(now, ask.policies), marks };
    const { override } = standing;
    if (override === undefined) return { ...this.#decide(now, ask), marks };
    if (override.limits === 'blocked') return { ...blockedReply(override, now), marks };
    const policies = overridden(override, ask.policies, ask.own);
    const watch = override.limits === 'none' ? undefined : ask.watch;
    return { ...this.#decide(now, { ...ask, policies, watch, share: undefined }), marks, policies };
  }

  #load(): Ledger {
    const stored = this.ctx.storage.kv.get<Record>(KEY);
    this.#alarmAt = stored?.alarmAt ?? 0;
    return new Ledger(stored, crypto.randomUUID());
  }

  #loadSlots(): SlotDesk {
    const { kv } = this.ctx.storage;
    return new SlotDesk(kv.get<StoredSlots>(SLOTS_KEY), {
      save: (record) => {
        this.#arm(record.until + KEPT_MS);
        kv.put<StoredSlots>(SLOTS_KEY, record);
      },
      clear: () => void kv.delete(SLOTS_KEY),
    });
  }

  /** Writes with no `await` between them are one transaction. */
  #save(stored: Stored): void {
    this.#arm(restsAt(stored) + KEPT_MS);
    this.ctx.storage.kv.put<Record>(KEY, { ...stored, alarmAt: this.#alarmAt });
  }

  #stand(standing: Standing): State {
    const now = Date.now();
    this.#standing = inForce(standing, now);
    if (this.#standing === undefined) this.ctx.storage.kv.delete(STANDING_KEY);
    else this.ctx.storage.kv.put<Standing>(STANDING_KEY, this.#standing);
    this.#arm(this.#standing === undefined ? now : endOf(this.#standing));
    return this.look();
  }

  /** Sets the alarm if none is to come by then: each is a row written. What never ends needs none. */
  #arm(at: number): void {
    const comes = this.#alarmAt > Date.now() && this.#alarmAt <= at;
    if (comes || at === Number.POSITIVE_INFINITY) return;
    this.#alarmAt = at;
    this.ctx.storage.setAlarm(at);
  }
}

/** An ask that may mean more than this version knows gets one permit, which does not come back. */
const strictly = (ask: Ask): Ask => {
  const waiting = Math.min(1, ask.waiting ?? ask.want);
  return { ...ask, want: waiting, waiting, returnable: false, spent: undefined, share: undefined };
};
