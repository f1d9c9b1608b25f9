// The books of one partition: what was granted (memory), what storage must count (with a reserve), what is out on loan.
// Pure but for its own fields: the clock is passed in and writing is the caller's, so that the Limiter, the simulator and
// the property tests run the same code.
import type { Decision } from './arithmetic.ts';
import {
  boundary,
  type Counters,
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
import { Loans } from './loans.ts';
import {
  type Abnormal,
  type Ask,
  DENIAL_MS,
  denial,
  LEASE_MS,
  type Reply,
  type Return,
  VERSION,
} from './messages.ts';
import { isLeasable, type Policy } from './policy.ts';
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

/** A permit granted at the reserve's very end may be used a lease's life later; storage counts them all from there. */
const AHEAD_MS = RESERVE_MS + LEASE_MS;

/** Neither a reserve nor a lease takes more than this share of what remains. */
const SHARE = 0.1;

/** Grants that may still be given back; beyond it the oldest stay spent. */
const MAX_GRANTS = 4_096;

/** A grant's return is accepted for so long after it: a lease's life, or an answer that another partition was slow with. */
const RETURNABLE_MS = LEASE_MS + 2_000;

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
  /** In the order they were granted. */
  readonly #grants = new Map<string, Grant>();
  #grantCount = 0;
  #firstSeen: number | undefined;
  #lastSeen: number | undefined;
  #usage: Usage | undefined;
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
    const abnormal = this.#judge(now, ask);
    const { reply, write } = abnormal?.denied
      ? { reply: { ...this.refuse(now, ask.policies), keepMs: LEASE_MS }, write: undefined }
      : this.#decide(now, ask);
    return { reply: abnormal ? { ...reply, abnormal } : reply, write };
  }

  /** Grants nothing and spends nothing. */
  refuse(clock: number, policies: readonly Policy[]): Reply {
    const now = this.#tick(clock);
    return denial(
      policies.map((policy) => peek(this.#counters, now, policy)),
      0,
    );
  }

  #decide(now: number, ask: Ask): { reply: Reply; write: Stored | undefined } {
    const waiting = ask.waiting ?? Math.min(1, ask.want);
    const portion = this.#portion(now, ask, waiting);
    const granted = portion.served + portion.ahead;
    if (granted === 0) return { reply: this.#refuseRest(now, ask, waiting), write: undefined };

    const leased = portion.ahead > 0;
    const until = leased ? Math.min(now + LEASE_MS, boundary(ask.policies, now) - 1) : now;
    const [decisions, counters] = consume(this.#counters, now, until, ask.policies, ask.cost, granted);
    this.#counters = counters;
    const write = this.#drawFromReserve(now, ask, granted) ? undefined : this.#writeAhead(now, ask, granted);
    const grant = ask.returnable ? this.#remember(now, until, ask, portion) : '';
    const reply = {
      ...{ version: VERSION, granted, keepMs: 0, lifeMs: until - now, grant, decisions },
      ...(leased === granted > 1 ? {} : { leased }),
    };
    if (portion.served === waiting) return { reply, write };
    const { decisions: denied, keepMs, ...rest } = this.#refuseRest(now, ask, waiting - portion.served);
    const loans = rest.loans && { loans: rest.loans };
    return { reply: { ...reply, ...loans, decisions: denied, keepMs }, write };
  }

  /** Whatever is free for those that wait; ahead of those to come, no more than a tenth of what then remains is out. */
  #portion(now: number, { policies, cost, want }: Ask, waiting: number): Portion {
    const remaining = policies.map((policy) => peek(this.#counters, now, policy).remaining);
    const free = policies.map((policy, i) => Math.floor((remaining[i] ?? 0) / permitsOf(policy, cost)));
    const served = Math.min(waiting, ...free);
    const wanted = want - waiting;
    if (served < waiting || wanted <= 0 || !policies.every(isLeasable)) return { served, ahead: 0 };
    const rooms = policies.map((policy, i) => {
      const left = (remaining[i] ?? 0) - permitsOf(policy, cost, served);
      // Near its end permits are had one at a time, so that the last are where they are wanted.
      if (left < policy.quota * SHARE) return 0;
      const out = this.#loans.out(policy.counter, now);
      return Math.floor((left * SHARE - out) / (permitsOf(policy, cost) * (1 + SHARE)));
    });
    return { served, ahead: Math.max(0, Math.min(wanted, ...rooms)) };
  }

  /** What those are told that nothing is left for: when a permit can exist again, what is on loan included. */
  #refuseRest(now: number, { policies, cost }: Ask, unmet: number): Reply {
    const decisions = policies.map((policy) => this.#foresee(now, policy, cost));
    if (unmet === 0) return denial(decisions, 0);
    const denied = policies.filter((_, i) => decisions[i]?.allowed === false);
    const waitMs = Math.max(...decisions.map(({ retryAfterMs }) => retryAfterMs));
    const reply = denial(decisions, Math.min(waitMs, DENIAL_MS));
    const requests = Math.min(
      ...denied.map((policy) => {
        const back = peek(this.#counters, now, policy).remaining + this.#loans.out(policy.counter, now);
        return Math.floor(back / permitsOf(policy, cost));
      }),
    );
    return requests > 0 ? { ...reply, loans: { requests, backMs: waitMs } } : reply;
  }

  /** As the policy says, but no later than loans can have come back. */
  #foresee(now: number, policy: Policy, cost: number): Decision {
    const decision = foresee(this.#counters, now, policy, cost);
    if (decision.allowed) return peek(this.#counters, now, policy);
    const shortage = permitsOf(policy, cost) - decision.remaining;
    const back = this.#loans.backAt(policy.counter, now, shortage);
    const retryAfterMs = Math.min(decision.retryAfterMs, back === undefined ? Infinity : back - now);
    return { ...decision, retryAfterMs: Math.max(1, retryAfterMs) };
  }

  /** Gives unused permits back to where they were charged; each part once, and only to the load that granted them. */
  giveBack(clock: number, { grant: name, unused, part }: Return): void {
    this.#tick(clock);
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
      policies: policies.map((policy) => ({ policy, decision: peek(this.#counters, now, policy) })),
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
    if (!this.#resumed) this.#counters = resume(this.#counters, this.#now);
    this.#resumed = true;
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
      const at = Math.min(now, this.#sealedAt + AHEAD_MS);
      this.#counters = consume(this.#counters, at, at, [policy], 1, policy.quota)[1];
    }
  }

  #drawFromReserve(now: number, { policies, cost }: Ask, requests: number): boolean {
    if (policies.length === 0) return true;
    const left = policies.map((policy) => {
      const { permits = 0, quota = 0 } = this.#reserve.get(policy.counter) ?? {};
      return quota > policy.quota ? -1 : permits - permitsOf(policy, cost, requests);
    });
    if (now >= this.#reserveEnd || left.some((permits) => permits < 0)) return false;
    for (const [i, { counter }] of policies.entries()) {
      const { quota = 0 } = this.#reserve.get(counter) ?? {};
      this.#reserve.set(counter, { permits: left[i] ?? 0, quota });
    }
    return true;
  }

  /** Books a new reserve for these policies, and anew what other counters' reserves still hold. */
  #writeAhead(now: number, { policies, cost }: Ask, requests: number): Stored {
    const granted = Math.max(0, ...policies.map((policy) => permitsOf(policy, cost, requests)));
    const size = this.#nextReserveSize(now, policies, granted);
    const wanted = new Map([
      ...[...this.#reserve].map(([counter, { permits }]) => [counter, permits] as const),
      ...policies.map((policy) => [policy.counter, size - granted] as const),
    ]);
    let ahead = undrained(this.#counters, now);
    this.#reserveEnd = now + RESERVE_MS;
    this.#reserve = new Map();
    for (const { policy } of ahead.values()) {
      const permits = wanted.get(policy.counter) ?? 0;
      const booked = reserve(ahead, now, now + AHEAD_MS, policy, permits);
      if (booked === undefined) continue;
      ahead = booked;
      this.#reserve.set(policy.counter, { permits, quota: policy.quota });
      this.#reserveEnd = Math.min(this.#reserveEnd, boundary([policy], now));
    }
    this.#reserveSize = size;
    this.#writtenAt = now;
    const since = this.#firstSeen ?? now;
    return { version: STORED_VERSION, at: now, counters: ahead, since, usage: this.#usage };
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
    const name = `${this.#load}.${this.#grantCount++}`;
    const undecided = Math.min(Math.max(0, undecidedMs), LEASE_MS);
    const lent = portion.ahead + (undecided > 0 ? portion.served : 0);
    const loanEnd = Math.max(until, now + undecided);
    const granted = portion.served + portion.ahead;
    const forgetAt = now + RETURNABLE_MS;
    this.#grants.set(name, { policies, cost, until, granted, lent, loanEnd, forgetAt });
    for (const policy of policies) this.#loans.lend(policy.counter, loanEnd, permitsOf(policy, cost, lent));
    return name;
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

/** When the last of these counters has drained, and what was usual is forgotten. */
export const restsAt = ({ counters, usage }: Stored): number =>
  Math.max(usage === undefined ? 0 : forgottenAt(usage), ...[...counters.values()].map(drainedAt));
