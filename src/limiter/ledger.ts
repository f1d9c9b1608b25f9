// The ledger of one partition: decides what is asked of it, keeps its books and says what storage must count. Pure but for
// its own fields: the clock is passed in and writing is the caller's, so that the Limiter, the simulator and the property
// tests run the same code.
import type { Decision } from './arithmetic.ts';
import { Books } from './books.ts';
import { boundary, charge, consume, type Draw, drawsOf, giveBack, permitsOf, resume } from './counters.ts';
import type { Portion } from './grants.ts';
import { endShare, lendShare } from './lend-share.ts';
import {
  type Abnormal,
  type Ask,
  LEASE_MS,
  MAX_LEASE_MS,
  type Reply,
  type Return,
  type Settlement,
  VERSION,
} from './messages.ts';
import type { Policy } from './policy.ts';
import { portionOf, waitingOf } from './portion.ts';
import { nothing, refuse } from './refusal.ts';
import { RESERVE_MS, Reserve } from './reserve.ts';
import { STORED_VERSION, type Stored } from './stored.ts';
import { addUse, calmsInMs, isUnusual, type Usage } from './usage.ts';

/** Unusual use that is denied stays denied for so long in an isolate. */
const ABNORMAL_MS = 1_000;

/** What one request owes of a policy beyond its cost is at most so many quotas: an origin's slip is not to shut a caller out. */
const MAX_DEBT = 1_000;

/** What a partition has left, for people to look at. */
export interface Look {
  /** Milliseconds since the epoch, undefined where nothing was asked since the partition last rested. */
  readonly firstSeen: number | undefined;
  readonly lastSeen: number | undefined;
  readonly policies: readonly { readonly policy: Policy; readonly decision: Decision }[];
}

/** A reply, and what must be durable before it leaves. */
interface Decided {
  readonly reply: Reply;
  readonly write: Stored | undefined;
}

/** The ledger of one partition. An RPC or an event of the simulator is one call, with the clock of then. */
export class Ledger {
  #now: number;
  #resumed = false;
  /** When a record was written that this version cannot read: until it has drained, everything counts as spent. */
  readonly #sealedAt: number | undefined;
  readonly #books: Books;
  readonly #reserve = new Reserve();
  #firstSeen: number | undefined;
  #lastSeen: number | undefined;
  #usage: Usage | undefined;
  /** The longest life of a lease so far, and whether storage knows of it. */
  #leaseMs: number;
  #isLeaseStored = true;

  /**
   * @param stored what storage held when this object was loaded.
   * @param load names this load: a return that names an earlier one is ignored, since storage counted those permits.
   */
  constructor(stored: Stored | undefined, load: string) {
    const isKnown = stored === undefined || stored.version <= STORED_VERSION;
    this.#now = stored?.at ?? 0;
    this.#books = new Books((isKnown ? stored?.counters : undefined) ?? new Map(), load);
    this.#sealedAt = isKnown ? undefined : this.#now;
    this.#firstSeen = stored?.since;
    this.#lastSeen = stored?.at;
    this.#usage = isKnown ? stored?.usage : undefined;
    this.#leaseMs = (isKnown ? stored?.leaseMs : MAX_LEASE_MS) ?? LEASE_MS;
  }

  /**
   * Grants those that wait what is free, and lends ahead what may be; or denies. `write`, if any, must be durable before the
   * reply leaves.
   */
  consume(clock: number, asked: Ask): Decided {
    const now = this.#tick(clock);
    const ask = { ...settling(asked), policies: asked.policies.map((policy) => this.#own(policy)) };
    this.#unseal(now, ask.policies);
    this.#firstSeen ??= now;
    this.#lastSeen = now;
    for (const name of ask.spent ?? []) this.#books.grants.forget(name);
    for (const unused of ask.returns ?? []) this.#takeBack(now, unused);
    const abnormal = this.#judge(now, ask);
    const { reply, write } = abnormal?.denied
      ? { reply: { ...nothing(this.#books, now, ask.policies), keepMs: ABNORMAL_MS }, write: undefined }
      : this.#decide(now, ask);
    return { reply: abnormal ? { ...reply, abnormal } : reply, write };
  }

  /** Grants nothing and spends nothing. */
  refuse(clock: number, policies: readonly Policy[]): Reply {
    return nothing(this.#books, this.#tick(clock), policies);
  }

  #decide(now: number, ask: Ask): Decided {
    const leaseMs = this.#noteLease(ask);
    const visit = { now, leaseMs, ask };
    const within = lendShare(this.#books, visit, waitingOf(ask));
    // What a share cannot serve is served by itself, before the share is renewed with what is left.
    const rest = within === undefined ? ask : { ...ask, waiting: 0, want: 0 };
    const portion = portionOf(this.#books, now, leaseMs, rest);
    const granted = this.#grant(now, leaseMs, rest, portion);
    const unmet = waitingOf(rest) - portion.served;
    const lent = within ?? lendShare(this.#books, visit, 0);
    const drawn = [
      ...drawsOf(ask.policies, ask.cost, portion.served + portion.ahead),
      ...drawsOf(lent?.others ?? [], ask.cost, lent?.share.ahead?.requests ?? 0),
    ];
    const isStored = this.#reserve.draw(now, drawn) && lent?.isStored !== false && this.#isLeaseStored;
    const write = isStored ? undefined : this.#writeAhead(now, ask.policies, drawn);
    const reply = this.#answer(now, rest, granted, unmet);
    if (lent === undefined) return { reply, write };
    const decisions = ask.policies.map((policy) => this.#books.peek(now, policy));
    return { reply: { ...reply, ...(unmet === 0 ? { decisions } : {}), share: lent.share }, write };
  }

  /** Requests that were granted nothing are told when to come back, by what is charged and lent in the end. */
  #answer(now: number, ask: Ask, granted: Reply | undefined, unmet: number): Reply {
    if (granted === undefined) return refuse(this.#books, now, ask, unmet);
    if (unmet === 0) return granted;
    const { decisions, keepMs, loans } = refuse(this.#books, now, ask, unmet);
    return { ...granted, ...(loans && { loans }), decisions, keepMs };
  }

  #noteLease({ leaseMs = LEASE_MS }: Ask): number {
    const bounded = Math.min(Math.max(leaseMs, LEASE_MS), MAX_LEASE_MS);
    this.#isLeaseStored &&= bounded <= this.#leaseMs;
    this.#leaseMs = Math.max(this.#leaseMs, bounded);
    return bounded;
  }

  #grant(now: number, leaseMs: number, ask: Ask, portion: Portion): Reply | undefined {
    const granted = portion.served + portion.ahead;
    if (granted === 0) return undefined;
    const leased = portion.ahead > 0;
    const until = leased ? Math.min(now + leaseMs, boundary(ask.policies, now) - 1) : now;
    const [decisions, counters] = consume(this.#books.counters, now, until, ask.policies, ask.cost, granted);
    this.#books.counters = counters;
    const grant = ask.returnable ? this.#books.grants.remember({ now, until, leaseMs }, ask, portion) : '';
    return {
      version: VERSION,
      granted,
      keepMs: 0,
      lifeMs: until - now,
      grant,
      decisions,
      ...(leased === granted > 1 ? {} : { leased }),
    };
  }

  /**
   * Books what a request has really spent: gives the rest back, or charges what it cost too little, even above the quota: then
   * it is a debt. `write`, if any, must be durable before the isolate is told.
   */
  settle(clock: number, settlement: Settlement): { write: Stored | undefined } {
    const now = this.#tick(clock);
    const charged = this.#books.grants.settle(now, settlement);
    if (charged === undefined) return { write: undefined };
    const { policies, cost, until } = charged;
    const { used } = settlement;
    if (used < cost && until !== undefined) this.#unspend(until, policies, cost, used);
    return { write: used > cost ? this.#owe(now, policies, used - cost) : undefined };
  }

  #unspend(until: number, policies: readonly Policy[], cost: number, used: number): void {
    const unused = policies.map((policy) => ({
      policy,
      permits: permitsOf(policy, cost) - permitsOf(policy, used),
    }));
    this.#books.counters = giveBack(this.#books.counters, until, unused);
  }

  #owe(now: number, policies: readonly Policy[], permits: number): Stored | undefined {
    const debt = policies.map((policy) => ({
      policy,
      permits: Math.min(permits, policy.quota * MAX_DEBT),
    }));
    this.#books.counters = charge(this.#books.counters, now, debt);
    return this.#reserve.draw(now, debt) ? undefined : this.#writeAhead(now, policies, debt);
  }

  /** Gives unused permits back to where they were charged; each part once, and only to the load that granted them. */
  giveBack(clock: number, unused: Return): void {
    this.#takeBack(this.#tick(clock), unused);
  }

  #takeBack(now: number, unused: Return): void {
    if (unused.share !== undefined) endShare(this.#books, now, unused.share);
    const back = this.#books.grants.takeBack(unused);
    if (back === undefined) return;
    const { until, policies, cost } = back.grant;
    this.#books.counters = giveBack(this.#books.counters, until, drawsOf(policies, cost, back.requests));
  }

  /** The policy that each counter last served. */
  get policies(): readonly Policy[] {
    return [...this.#books.counters.values()].map(({ policy }) => policy);
  }

  /** Permits of a counter that are out on loan. */
  lent(clock: number, { counter }: Policy): number {
    return this.#books.loans.out(counter, this.#tick(clock));
  }

  /** Grants that may still be given back. */
  get returnable(): number {
    return this.#books.grants.size;
  }

  /** What is left under `policies`, and since when. */
  look(clock: number, policies: readonly Policy[]): Look {
    const now = this.#tick(clock);
    return {
      firstSeen: this.#firstSeen,
      lastSeen: this.#lastSeen,
      policies: policies.map((policy) => ({ policy, decision: this.#books.peek(now, policy) })),
    };
  }

  /** The same policy as it is kept already, so that what is remembered does not hold every message's own copies. */
  #own(policy: Policy): Policy {
    const known = this.#books.counters.get(policy.counter)?.policy;
    return known?.quota === policy.quota && known.name === policy.name ? known : policy;
  }

  /** Counts the use that this ask tells of, and judges it. */
  #judge(now: number, { watch }: Ask): Abnormal | undefined {
    if (watch === undefined) return undefined;
    const { factor, deny, uses } = watch;
    const usage = addUse(this.#usage, now, uses, factor);
    this.#usage = usage;
    if (!isUnusual(usage, now, factor)) return undefined;
    this.#usage = { ...usage, reported: usage.minute };
    const report = usage.reported < usage.minute;
    return { denied: deny, report, calmsInMs: calmsInMs(usage, now, factor) };
  }

  /** Time never runs backwards here, whatever the clock does. */
  #tick(clock: number): number {
    this.#now = Math.max(this.#now, clock);
    const books = this.#books;
    if (!this.#resumed) books.counters = resume(books.counters, this.#now, this.#now + this.#leaseMs);
    this.#resumed = true;
    books.grants.forgetOld(this.#now);
    return this.#now;
  }

  /** Counters of a record that cannot be read are taken to be spent, as late as its memory can have spent them. */
  #unseal(now: number, policies: readonly Policy[]): void {
    if (this.#sealedAt === undefined) return;
    const books = this.#books;
    for (const policy of policies.filter(({ counter }) => !books.counters.has(counter))) {
      const at = Math.min(now, this.#sealedAt + RESERVE_MS + MAX_LEASE_MS);
      books.counters = consume(books.counters, at, at, [policy], 1, policy.quota)[1];
    }
  }

  /** What storage is to hold from now on. */
  #writeAhead(now: number, policies: readonly Policy[], drawn: readonly Draw[]): Stored {
    const counters = this.#reserve.renew(this.#books, now, policies, drawn, this.#leaseMs);
    this.#isLeaseStored = true;
    const since = this.#firstSeen ?? now;
    const record = { version: STORED_VERSION, at: now, counters, since, usage: this.#usage };
    return this.#leaseMs === LEASE_MS ? record : { ...record, leaseMs: this.#leaseMs };
  }
}

/** What is told after the answer is asked for by those that wait alone: nothing of it is lent. */
const settling = (ask: Ask): Ask =>
  ask.holdMs === undefined ? ask : { ...ask, want: waitingOf(ask), share: undefined };
