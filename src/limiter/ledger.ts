// The books of one partition: what was granted (memory), what storage must count (with a reserve), what is out on loan.
// Pure but for its own fields: the clock is passed in and writing is the caller's, so that the Limiter, the simulator and
// the property tests run the same code.
import type { Decision } from './arithmetic.ts';
import {
  boundary,
  type Counters,
  charge,
  consume,
  drainedAt,
  foresee,
  giveBack,
  peek,
  permitsOf,
  reserve,
  resume,
  undrained,
} from './counters.ts';
import { type Hold, Holds } from './holds.ts';
import { backAt, type Loan, Loans, RETURN_MS } from './loans.ts';
import {
  type Abnormal,
  type Ask,
  DENIAL_MS,
  denial,
  LEASE_MS,
  type LentShare,
  MAX_LEASE_MS,
  type Reply,
  type Return,
  type Settlement,
  type ShareAsk,
  VERSION,
} from './messages.ts';
import { lendingOf, type Policy } from './policy.ts';
import { Shares } from './shares.ts';
import { addUse, calmsInMs, forgottenAt, isUnusual, type Usage } from './usage.ts';

/**
 * What storage holds: enough to resume without ever admitting more than memory would have. Members are only ever added,
 * and `counters` alone counts everything, so that a version that knows no more than them is on the strict side.
 */
export interface Stored {
  /** Of this format: raised only where a known member changes its meaning. */
  readonly version: number;
  /** When this was written, by the ledger's clock. */
  readonly at: number;
  readonly counters: Counters;
  /** When the partition was first seen since it last rested. */
  readonly since: number;
  /** Only where unusual use is watched. */
  readonly usage?: Usage | undefined;
  /** The longest life of a lease that counts. Absent: `LEASE_MS`. */
  readonly leaseMs?: number | undefined;
}

/** The format that `Stored` is written in, and the newest that is read. */
export const STORED_VERSION = 1;

/** What a partition has left, for people to look at. */
export interface Look {
  /** Milliseconds since the epoch, undefined where nothing was asked since the partition last rested. */
  readonly firstSeen: number | undefined;
  readonly lastSeen: number | undefined;
  readonly policies: readonly { readonly policy: Policy; readonly decision: Decision }[];
}

/** How long a reserve may be granted from after it was written. */
const RESERVE_MS = 10_000;

/** Neither a reserve nor a lease takes more than this share of what remains. */
const SHARE = 0.1;

/** Grants that may still be given back; beyond it the oldest stay spent. */
const MAX_GRANTS = 4_096;

/**
 * A grant's return is accepted for so long after two lives of a lease: of those that are told with the next ask, or of an
 * answer that another partition was slow with.
 */
const RETURNABLE_MS = 2_000;

/** Whoever waits for another partition is waited for at most so long. */
const UNDECIDED_MS = 1_000;

/** Unusual use that is denied stays denied for so long in an isolate. */
const ABNORMAL_MS = 1_000;

/** What may come back. */
interface Grant {
  readonly policies: readonly Policy[];
  readonly cost: number;
  /** When its permits were charged. */
  readonly until: number;
  /** Requests that have not come back. */
  granted: number;
  /** Requests of them that are on loan, and until when. */
  lent: number;
  readonly loanEnd: number;
  readonly forgetAt: number;
  /** Parts that have come back. */
  parts?: Set<number>;
}

interface Reserve {
  readonly permits: number;
  /** The quota that they were reserved under: a smaller one may make more of them. */
  readonly quota: number;
}

/** Requests to grant: those that wait, and those to lend ahead. */
interface Portion {
  readonly served: number;
  readonly ahead: number;
}

/** Permits of one policy. */
interface Draw {
  readonly policy: Policy;
  readonly permits: number;
}

const draws = (policies: readonly Policy[], cost: number, requests: number): Draw[] =>
  policies.map((policy) => ({ policy, permits: permitsOf(policy, cost, requests) }));

/** What came of asking for a share. */
interface ShareLoan {
  readonly share: LentShare;
  /** The policies that are not lent by rate. */
  readonly others: readonly Policy[];
  readonly isStored: boolean;
}

/** Requests of an ask that wait. */
const waitingOf = ({ waiting, want }: Ask): number => waiting ?? Math.min(1, want);

/** The books of one partition. An RPC or an event of the simulator is one call, with the clock of then. */
export class Ledger {
  #now: number;
  #counters: Counters;
  #resumed = false;
  /** When a record was written that this version cannot read: until it has drained, everything counts as spent. */
  readonly #sealedAt: number | undefined;
  /** By counter: what storage counts and memory has not granted yet. */
  #reserve = new Map<string, Reserve>();
  #reserveSize = 0;
  #reserveEnd = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #loans = new Loans();
  readonly #holds = new Holds();
  /** In the order they were granted. */
  readonly #grants = new Map<string, Grant>();
  #grantCount = 0;
  #firstSeen: number | undefined;
  #lastSeen: number | undefined;
  #usage: Usage | undefined;
  readonly #shares = new Shares();
  /** The longest life of a lease so far, and whether storage knows of it. */
  #leaseMs: number;
  #isLeaseStored = true;
  readonly #load: string;

  /**
   * @param stored what storage held when this object was loaded.
   * @param load names this load: a return that names an earlier one is ignored, since storage counted those permits.
   */
  constructor(stored: Stored | undefined, load: string) {
    const isKnown = stored === undefined || stored.version <= STORED_VERSION;
    this.#now = stored?.at ?? 0;
    this.#counters = (isKnown ? stored?.counters : undefined) ?? new Map();
    this.#sealedAt = isKnown ? undefined : this.#now;
    this.#firstSeen = stored?.since;
    this.#lastSeen = stored?.at;
    this.#usage = isKnown ? stored?.usage : undefined;
    this.#leaseMs = (isKnown ? stored?.leaseMs : MAX_LEASE_MS) ?? LEASE_MS;
    this.#load = load;
  }

  /**
   * Grants those that wait what is free, and lends ahead what may be; or denies. `write`, if any, must be durable before the
   * reply leaves.
   */
  consume(clock: number, asked: Ask): { reply: Reply; write: Stored | undefined } {
    const now = this.#tick(clock);
    const ask = { ...asked, policies: asked.policies.map((policy) => this.#own(policy)) };
    this.#unseal(now, ask.policies);
    this.#firstSeen ??= now;
    this.#lastSeen = now;
    for (const name of ask.spent ?? []) this.#forget(name);
    for (const unused of ask.returns ?? []) this.#takeBack(now, unused);
    const abnormal = this.#judge(now, ask);
    const { reply, write } = abnormal?.denied
      ? { reply: { ...this.refuse(now, ask.policies), keepMs: ABNORMAL_MS }, write: undefined }
      : this.#decide(now, ask);
    return { reply: abnormal ? { ...reply, abnormal } : reply, write };
  }

  /** Grants nothing and spends nothing. */
  refuse(clock: number, policies: readonly Policy[]): Reply {
    const now = this.#tick(clock);
    return denial(
      policies.map((policy) => this.#peek(now, policy)),
      0,
    );
  }

  #decide(now: number, ask: Ask): { reply: Reply; write: Stored | undefined } {
    if (ask.holdMs !== undefined) return this.#hold(now, ask, ask.holdMs);
    const leaseMs = this.#noteLease(ask);
    const within = this.#lendShare(now, leaseMs, ask, waitingOf(ask));
    // What a share cannot serve is served by itself, before the share is renewed with what is left.
    const rest = within === undefined ? ask : { ...ask, waiting: 0, want: 0 };
    const portion = this.#portion(now, leaseMs, rest);
    const reply = this.#grant(now, leaseMs, rest, portion);
    const lent = within ?? this.#lendShare(now, leaseMs, ask, 0);
    const drawn = [
      ...draws(ask.policies, ask.cost, portion.served + portion.ahead),
      ...draws(lent?.others ?? [], ask.cost, lent?.share.ahead?.requests ?? 0),
    ];
    const isStored = this.#drawFromReserve(now, drawn) && lent?.isStored !== false && this.#isLeaseStored;
    const write = isStored ? undefined : this.#writeAhead(now, ask.policies, drawn);
    if (lent === undefined) return { reply, write };
    const decisions = ask.policies.map((policy) => this.#peek(now, policy));
    return { reply: { ...reply, ...(reply.keepMs === 0 ? { decisions } : {}), share: lent.share }, write };
  }

  #noteLease({ leaseMs = LEASE_MS }: Ask): number {
    const bounded = Math.min(Math.max(leaseMs, LEASE_MS), MAX_LEASE_MS);
    this.#isLeaseStored &&= bounded <= this.#leaseMs;
    this.#leaseMs = Math.max(this.#leaseMs, bounded);
    return bounded;
  }

  #grant(now: number, leaseMs: number, ask: Ask, portion: Portion): Reply {
    const waiting = waitingOf(ask);
    const granted = portion.served + portion.ahead;
    if (granted === 0) return this.#refuseRest(now, ask, waiting);
    const leased = portion.ahead > 0;
    const until = leased ? Math.min(now + leaseMs, boundary(ask.policies, now) - 1) : now;
    const [decided, counters] = consume(this.#counters, now, until, ask.policies, ask.cost, granted);
    const decisions = decided.map((decision, i) => this.#withoutHeld(decision, ask.policies[i]));
    this.#counters = counters;
    const grant = ask.returnable ? this.#remember(now, until, ask, portion) : '';
    const reply = {
      version: VERSION,
      granted,
      keepMs: 0,
      lifeMs: until - now,
      grant,
      decisions,
      ...(leased === granted > 1 ? {} : { leased }),
    };
    if (portion.served === waiting) return reply;
    const { decisions: denied, keepMs, ...rest } = this.#refuseRest(now, ask, waiting - portion.served);
    const loans = rest.loans && { loans: rest.loans };
    return { ...reply, ...loans, decisions: denied, keepMs };
  }

  /**
   * Lends or renews a share, and beside it requests of the policies that are lent by number. Undefined where it cannot serve
   * all of those `waiting` that are to be served by it.
   */
  #lendShare(now: number, leaseMs: number, ask: Ask, waiting: number): ShareLoan | undefined {
    const { policies, cost, share, want } = ask;
    // A share grows into what its algorithm has left, which knows nothing of what is held.
    const isHeld = policies.some(({ counter }) => this.#holds.out(counter) > 0);
    if (share === undefined || isHeld) return undefined;
    const others = policies.filter(({ counter }) => share.wishes.every((wish) => wish.counter !== counter));
    const wanted = want - waitingOf(ask) + waiting;
    const ahead = others.length === 0 ? 0 : this.#roomAhead(now, leaseMs, others, cost, wanted);
    if (others.length > 0 && ahead <= waiting) return undefined;
    const terms = { now, until: now + leaseMs, policies, cost };
    const renewal = this.#shares.renewal(this.#counters, terms, share);
    if (renewal === undefined || renewal.growth < waiting) return undefined;
    this.#shares.renew(share, renewal);
    this.#counters = renewal.counters;
    const { permits, isStored } = renewal;
    const lent = { permits, lifeMs: leaseMs, at: now, within: waiting };
    if (ahead === 0) return { share: lent, others, isStored };
    const end = Math.min(now + leaseMs, boundary(others, now) - 1);
    this.#counters = consume(this.#counters, now, end, others, cost, ahead)[1];
    const grant = this.#remember(now, end, { ...ask, policies: others }, { served: 0, ahead });
    const beside = { grant, requests: ahead, lifeMs: end - now };
    return { share: { ...lent, ahead: beside }, others, isStored };
  }

  /** Whatever is free for those that wait; ahead of those to come, no more than a tenth of what then remains is out. */
  #portion(now: number, leaseMs: number, ask: Ask): Portion {
    const { policies, cost, want } = ask;
    const waiting = waitingOf(ask);
    const remaining = policies.map((policy) => this.#peek(now, policy).remaining);
    const free = policies.map((policy, i) => Math.floor((remaining[i] ?? 0) / permitsOf(policy, cost)));
    const served = Math.min(waiting, ...free);
    const wanted = want - waiting;
    const ahead = served < waiting ? 0 : this.#roomAhead(now, leaseMs, policies, cost, wanted, served);
    return { served, ahead };
  }

  /** How many of the requests `wanted` may be lent by number, where so many are served first. */
  #roomAhead(
    now: number,
    leaseMs: number,
    policies: readonly Policy[],
    cost: number,
    wanted: number,
    served = 0,
  ): number {
    if (wanted <= 0 || policies.some((policy) => lendingOf(policy, leaseMs) !== 'by-number')) return 0;
    const rooms = policies.map((policy) => {
      const left = this.#peek(now, policy).remaining - permitsOf(policy, cost, served);
      // Near its end permits are had one at a time, so that the last are where they are wanted.
      if (left < policy.quota * SHARE) return 0;
      const out = this.#loans.out(policy.counter, now);
      return Math.floor((left * SHARE - out) / (permitsOf(policy, cost) * (1 + SHARE)));
    });
    return Math.max(0, Math.min(wanted, ...rooms));
  }

  /** What those are told that nothing is left for: when a permit can exist again, what is on loan included. */
  #refuseRest(now: number, { policies, cost, holder }: Ask, unmet: number): Reply {
    if (unmet === 0) return this.refuse(now, policies);
    const decisions = policies.map((policy) => this.#foresee(now, policy, cost, holder));
    const denied = policies.filter((_, i) => decisions[i]?.allowed === false);
    const waitMs = Math.max(...decisions.map(({ retryAfterMs }) => retryAfterMs));
    const reply = denial(decisions, Math.min(waitMs, DENIAL_MS));
    const requests = Math.min(...denied.map((policy) => this.#obstructed(now, policy, cost, holder)));
    return requests > 0 ? { ...reply, loans: { requests, backMs: waitMs } } : reply;
  }

  /** Requests that may pass once loans are back. Shares are not to grow meanwhile. */
  #obstructed(now: number, policy: Policy, cost: number, ownShare: string | undefined): number {
    this.#shares.contest(now, policy.counter, ownShare);
    const loans = this.#loansOf(now, policy, ownShare);
    const back = loans.reduce((sum, { permits }) => sum + permits, 0);
    return Math.floor((this.#peek(now, policy).remaining + back) / permitsOf(policy, cost));
  }

  /** What is out on loan, by number and by rate, but for the asker's own share. */
  #loansOf(now: number, { counter }: Policy, ownShare: string | undefined): Loan[] {
    const shares = this.#shares.loans(now, counter, ownShare);
    const byRate = shares.map(({ end, permits }) => ({ end: end + RETURN_MS, permits }));
    return [...this.#loans.list(counter, now), ...byRate];
  }

  /** As the policy says, but no later than loans and holds can have come back. */
  #foresee(now: number, policy: Policy, cost: number, ownShare: string | undefined): Decision {
    const wanted = permitsOf(policy, cost);
    const { counter } = policy;
    const before = this.#peek(now, policy);
    if (wanted <= before.remaining) return before;
    const shortage = wanted - before.remaining;
    const held = shortage <= this.#holds.out(counter) ? this.#holds.lastEnd(counter) : undefined;
    const back = backAt(this.#loansOf(now, policy, ownShare), shortage) ?? held;
    const { retryAfterMs, allowed } = foresee(this.#counters, now, policy, cost);
    // Where only what is held is in the way, the algorithm knows of no wait.
    const drainsMs = allowed ? Number.POSITIVE_INFINITY : retryAfterMs;
    const backMs = back === undefined ? Number.POSITIVE_INFINITY : back - now;
    return { ...before, allowed: false, retryAfterMs: Math.max(1, Math.min(drainsMs, backMs)) };
  }

  /** What is left, without what is held. */
  #peek(now: number, policy: Policy): Decision {
    return this.#withoutHeld(peek(this.#counters, now, policy), policy);
  }

  #withoutHeld(decision: Decision, policy: Policy | undefined): Decision {
    const held = policy === undefined ? 0 : this.#holds.out(policy.counter);
    return held === 0 ? decision : { ...decision, remaining: Math.max(0, decision.remaining - held) };
  }

  /**
   * Holds permits for those that wait, whose cost is told later by `settle`; `holdMs` after now they have spent what they
   * asked for. They count in full until then, and from the settlement on for a window, which is later than their use.
   */
  #hold(now: number, ask: Ask, holdMs: number): { reply: Reply; write: Stored | undefined } {
    const waiting = waitingOf(ask);
    const own = { ...ask, want: waiting };
    const served = this.#holds.isFull ? 0 : this.#portion(now, this.#noteLease(ask), own).served;
    if (served === 0) return { reply: this.#refuseHold(now, own, waiting), write: undefined };
    const name = this.#nextName();
    const { policies, cost } = ask;
    this.#holds.add(name, { policies, cost, end: now + holdMs, requests: served });
    const drawn = draws(policies, cost, served);
    const write = this.#drawFromReserve(now, drawn) ? undefined : this.#writeAhead(now, policies, drawn);
    const reply = { version: VERSION, granted: served, keepMs: 0, lifeMs: 0, grant: name, leased: false };
    if (served < waiting)
      return { reply: { ...this.#refuseHold(now, own, waiting - served), ...reply, keepMs: 1 }, write };
    return { reply: { ...reply, decisions: policies.map((policy) => this.#peek(now, policy)) }, write };
  }

  /** A hold may come back at any moment, so a denial for its sake is not kept. */
  #refuseHold(now: number, ask: Ask, unmet: number): Reply {
    const { loans: _, ...reply } = this.#refuseRest(now, ask, unmet);
    const held = ask.policies.some(({ counter }) => this.#holds.out(counter) > 0);
    return held ? { ...reply, keepMs: Math.min(reply.keepMs, 1) } : reply;
  }

  /**
   * Charges what a request of a hold has really spent, even above the quota: then it is a debt. `write`, if any, must be
   * durable before the isolate is told.
   */
  settle(clock: number, { grant, part, used }: Settlement): { write: Stored | undefined } {
    const now = this.#tick(clock);
    const ended = this.#holds.end(grant, part, 1);
    if (ended === undefined) return { write: undefined };
    const { policies, cost } = ended.hold;
    const permits = policies.map((policy) => [policy, spentOf(policy, cost, used)] as const);
    this.#counters = charge(this.#counters, now, permits);
    // What it cost was stored when it was held.
    const debt = policies.map((policy) => ({ policy, permits: Math.max(0, used - cost) }));
    const write = this.#drawFromReserve(now, debt) ? undefined : this.#writeAhead(now, policies, debt);
    return { write };
  }

  /** Gives unused permits back to where they were charged; each part once, and only to the load that granted them. */
  giveBack(clock: number, unused: Return): void {
    this.#takeBack(this.#tick(clock), unused);
  }

  #takeBack(now: number, { grant: name, unused, part, share }: Return): void {
    if (share !== undefined) this.#endShare(now, share);
    if (part !== undefined && this.#holds.end(name, part, unused) !== undefined) return;
    const grant = this.#grants.get(name);
    if (grant === undefined) return;
    const requests = Math.min(unused, grant.granted);
    if (part === undefined) this.#forget(name);
    else if (grant.parts?.has(part)) return;
    else {
      grant.parts ??= new Set();
      grant.parts.add(part);
      grant.granted -= requests;
      this.#endLoan(grant, requests);
    }
    this.#counters = giveBack(this.#counters, grant.until, grant.policies, grant.cost, requests);
  }

  #endShare(now: number, share: ShareAsk): void {
    const wishes = share.wishes.map((wish) => ({ ...wish, permits: 0 }));
    const terms = { now, until: now, policies: this.policies, cost: 1 };
    const ended = { ...share, wishes };
    const renewal = this.#shares.renewal(this.#counters, terms, ended);
    if (renewal === undefined) return;
    this.#shares.renew(ended, renewal);
    this.#counters = renewal.counters;
  }

  /** The policy that each counter last served. */
  get policies(): readonly Policy[] {
    return [...this.#counters.values()].map(({ policy }) => policy);
  }

  /** Permits of a counter that are out on loan. */
  lent(clock: number, { counter }: Policy): number {
    return this.#loans.out(counter, this.#tick(clock));
  }

  /** Grants that may still be given back. */
  get returnable(): number {
    return this.#grants.size;
  }

  /** What is left under `policies`, and since when. */
  look(clock: number, policies: readonly Policy[]): Look {
    const now = this.#tick(clock);
    return {
      firstSeen: this.#firstSeen,
      lastSeen: this.#lastSeen,
      policies: policies.map((policy) => ({ policy, decision: this.#peek(now, policy) })),
    };
  }

  /** The same policy as it is kept already, so that what is remembered does not hold every message's own copies. */
  #own(policy: Policy): Policy {
    const known = this.#counters.get(policy.counter)?.policy;
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
    if (!this.#resumed) this.#counters = resume(this.#counters, this.#now, this.#now + this.#leaseMs);
    this.#resumed = true;
    for (const hold of this.#holds.expire(this.#now))
      this.#counters = charge(this.#counters, this.#now, chargesOf(hold));
    for (const [name, grant] of this.#grants) {
      if (grant.forgetAt > this.#now && this.#grants.size <= MAX_GRANTS) break;
      this.#forget(name);
    }
    return this.#now;
  }

  /** Counters of a record that cannot be read are taken to be spent, as late as its memory can have spent them. */
  #unseal(now: number, policies: readonly Policy[]): void {
    if (this.#sealedAt === undefined) return;
    for (const policy of policies.filter(({ counter }) => !this.#counters.has(counter))) {
      const at = Math.min(now, this.#sealedAt + RESERVE_MS + MAX_LEASE_MS);
      this.#counters = consume(this.#counters, at, at, [policy], 1, policy.quota)[1];
    }
  }

  #drawFromReserve(now: number, drawn: readonly Draw[]): boolean {
    if (drawn.every(({ permits }) => permits === 0)) return true;
    const left = new Map(this.#reserve);
    for (const { policy, permits } of drawn) {
      const { permits: before = 0, quota = 0 } = left.get(policy.counter) ?? {};
      if (quota > policy.quota || before < permits) return false;
      left.set(policy.counter, { permits: before - permits, quota });
    }
    if (now >= this.#reserveEnd) return false;
    this.#reserve = left;
    return true;
  }

  /** Books a new reserve for these policies, and anew what other counters' reserves still hold. */
  #writeAhead(now: number, policies: readonly Policy[], drawn: readonly Draw[]): Stored {
    const granted = Math.max(0, ...drawn.map(({ permits }) => permits));
    const size = this.#nextReserveSize(now, policies, granted);
    const wanted = new Map([
      ...[...this.#reserve].map(([counter, { permits }]) => [counter, permits] as const),
      ...policies.map((policy) => [policy.counter, size - granted] as const),
    ]);
    const held = this.#holds.all.flatMap(chargesOf);
    const spent = undrained(charge(this.#counters, now, held), now);
    this.#reserveEnd = now + RESERVE_MS;
    const end = this.#reserveEnd + this.#leaseMs;
    let ahead = this.#shares.store(spent, now, this.#reserveEnd, end);
    this.#reserve = new Map();
    for (const { policy } of ahead.values()) {
      const permits = wanted.get(policy.counter) ?? 0;
      const booked = reserve(ahead, now, end, policy, permits);
      if (booked === undefined) continue;
      ahead = booked;
      this.#reserve.set(policy.counter, { permits, quota: policy.quota });
      this.#reserveEnd = Math.min(this.#reserveEnd, boundary([policy], now));
    }
    this.#reserveSize = size;
    this.#writtenAt = now;
    this.#isLeaseStored = true;
    const since = this.#firstSeen ?? now;
    const record = { version: STORED_VERSION, at: now, counters: ahead, since, usage: this.#usage };
    return this.#leaseMs === LEASE_MS ? record : { ...record, leaseMs: this.#leaseMs };
  }

  /** The grant at hand after a load or a quiet time, then doubling; ten seconds' worth of quota and 10 % of the rest. */
  #nextReserveSize(now: number, policies: readonly Policy[], granted: number): number {
    if (now - this.#writtenAt > RESERVE_MS) return granted;
    const rooms = policies.map((policy) => {
      const worth = (policy.quota * RESERVE_MS) / policy.windowMs;
      return Math.floor(Math.min(worth, peek(this.#counters, now, policy).remaining * SHARE));
    });
    return Math.max(granted, Math.min(this.#reserveSize * 2, ...rooms));
  }

  #remember(now: number, until: number, { policies, cost, undecidedMs = 0 }: Ask, portion: Portion): string {
    const name = this.#nextName();
    const undecided = Math.min(Math.max(0, undecidedMs), UNDECIDED_MS);
    const lent = portion.ahead + (undecided > 0 ? portion.served : 0);
    const loanEnd = Math.max(until, now + undecided);
    const granted = portion.served + portion.ahead;
    const forgetAt = now + 2 * this.#leaseMs + RETURNABLE_MS;
    this.#grants.set(name, { policies, cost, until, granted, lent, loanEnd, forgetAt });
    for (const policy of policies) this.#loans.lend(policy.counter, loanEnd, permitsOf(policy, cost, lent));
    return name;
  }

  #nextName(): string {
    return `${this.#load}.${this.#grantCount++}`;
  }

  /** Nothing of it comes back any more. */
  #forget(name: string): void {
    const grant = this.#grants.get(name);
    if (grant === undefined) return;
    this.#grants.delete(name);
    this.#endLoan(grant, grant.lent);
  }

  #endLoan(grant: Grant, requests: number): void {
    const { policies, cost, loanEnd } = grant;
    const settled = Math.min(requests, grant.lent);
    grant.lent -= settled;
    for (const policy of policies)
      this.#loans.settle(policy.counter, loanEnd, permitsOf(policy, cost, settled));
  }
}

/** What all requests of a hold may spend. */
const chargesOf = ({ policies, cost, requests }: Hold): (readonly [Policy, number])[] =>
  policies.map((policy) => [policy, permitsOf(policy, cost, requests)] as const);

/** What a request has spent of a policy; one that cost more than a whole quota was held for the quota. */
const spentOf = (policy: Policy, cost: number, used: number): number =>
  used <= cost ? permitsOf(policy, used) : permitsOf(policy, cost) + used - cost;

/** When the last of these counters has drained, and what was usual is forgotten; never, of what cannot be read. */
export const restsAt = ({ version, counters, usage }: Stored): number =>
  version > STORED_VERSION
    ? Number.POSITIVE_INFINITY
    : Math.max(usage === undefined ? 0 : forgottenAt(usage), ...[...counters.values()].map(drainedAt));
