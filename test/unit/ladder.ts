// The ladder without a network: real ledgers and leases, with time, delay, loss, eviction and crash in the test's hands.

import { Ledger } from '../../src/limiter/ledger.ts';
import { type Ask, LEASE_MS, type Reply, type Return, VERSION } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import type { Stored } from '../../src/limiter/stored.ts';
import { arrive } from '../../src/quota/arrivals.ts';
import { join, passOn, startAsking, wantsRenewal } from '../../src/quota/asking.ts';
import type { Grant } from '../../src/quota/grant.ts';
import {
  type Asking,
  awaitLoans,
  endGrant,
  held,
  isDenied,
  type Lease,
  newLease,
  take,
} from '../../src/quota/lease.ts';
import { settle } from '../../src/quota/settle.ts';
import type { Answer } from '../../src/quota/waiter.ts';
import { EPOCH } from './policies.ts';

/** `LIMITER_TIMEOUT_MS`. */
const TIMEOUT_MS = 1_000;

/** Nobody waits longer for loans to come back. */
const PATIENCE_MS = LEASE_MS + TIMEOUT_MS;

const TERMS = { leasable: true, leaseMs: LEASE_MS, shared: true, timeoutMs: TIMEOUT_MS };

interface Asked {
  isolate: number;
  asking: Asking;
}

interface Answered extends Asked {
  reply: Reply;
  grantedAt: number;
}

export class Ladder {
  now = EPOCH;
  /** When each decision to pass was made. */
  readonly passed: number[] = [];
  denied = 0;
  writes = 0;
  calls = 0;
  readonly asks: Asked[] = [];
  readonly replies: Answered[] = [];
  readonly returns: Return[] = [];
  /** Requests that wait for loans to come back. */
  sleeping: { isolate: number; since: number; until: number }[] = [];
  /** Most that was out on loan right after something was lent ahead, as a share of what then remained. */
  mostLent = 0;
  readonly #policies: readonly Policy[];
  readonly #leases: Lease[];
  #stored: Stored | undefined;
  #loads = 0;
  #ledger = new Ledger(undefined, '0');

  constructor(policies: readonly Policy[], isolates: number) {
    this.#policies = policies;
    this.#leases = Array.from({ length: isolates }, newLease);
  }

  /** A request: passes on a held permit, is denied by a known denial, else waits. */
  request(isolate: number): void {
    const lease = this.#lease(isolate);
    arrive(lease.arrivals, this.now);
    this.#decide(isolate, this.now);
  }

  /** An ask reaches the Limiter; what it writes is durable before its reply leaves. */
  deliverAsk(index = 0): void {
    const [asked] = this.asks.splice(index % Math.max(1, this.asks.length), 1);
    if (asked === undefined) return;
    this.calls++;
    const message = this.#message(asked.asking);
    const { reply, write } = this.#ledger.consume(this.now, message);
    if (write !== undefined) this.#write(write);
    if (reply.granted > asked.asking.waiters.length) this.#noteLent();
    this.replies.push({ ...asked, reply, grantedAt: this.now });
  }

  /** A reply reaches its isolate. A plain permit was decided by the Limiter, a lease's by the isolate while it lives. */
  deliverReply(index = 0): void {
    const [answer] = this.replies.splice(index % Math.max(1, this.replies.length), 1);
    if (answer === undefined) return;
    this.#grantedAt = answer.grantedAt;
    const lease = this.#lease(answer.isolate);
    const grant = settle(lease, answer.asking, answer.reply);
    passOn(lease);
    if (grant !== undefined && !grant.leased) this.#endGrant(lease, grant);
  }

  /** Leases that are over are sent back. */
  endLeases(): void {
    for (const lease of this.#leases)
      for (const grant of lease.grants.filter(({ expires }) => expires <= this.now))
        this.#endGrant(lease, grant);
  }

  /** Those that waited for loans try again once these can be back. */
  wake(): void {
    const due = this.sleeping.filter(({ until }) => until <= this.now);
    this.sleeping = this.sleeping.filter(({ until }) => until > this.now);
    for (const { isolate, since } of due) this.#decide(isolate, since);
  }

  /** A return reaches the Limiter; one that is kept arrives again later. */
  deliverReturn(index = 0, keep = false): void {
    const at = index % Math.max(1, this.returns.length);
    const unused = this.returns[at];
    if (!keep) this.returns.splice(at, 1);
    if (unused === undefined) return;
    this.#ledger.giveBack(this.now, unused);
  }

  /** Everything that is under way arrives. */
  settleAll(): void {
    while (this.asks.length > 0 || this.replies.length > 0) {
      while (this.asks.length > 0) this.deliverAsk();
      while (this.replies.length > 0) this.deliverReply();
    }
  }

  /** Time goes on until everybody has been decided and everything lent is back. */
  finish(): void {
    for (const end = this.now + 2 * PATIENCE_MS; this.now < end; this.now += 50) {
      this.settleAll();
      this.endLeases();
      while (this.returns.length > 0) this.deliverReturn();
      this.wake();
    }
  }

  /** Permits that isolates hold and may use. */
  get held(): number {
    return this.#leases.reduce((sum, lease) => sum + held(lease, this.now), 0);
  }

  /** Eviction, redeploy or crash: all the same to what was not stored. */
  crash(): void {
    this.#loads++;
    this.#ledger = new Ledger(structuredClone(this.#stored), String(this.#loads));
  }

  /** An isolate is gone, with all that it held and all that waited there. */
  lose(isolate: number): void {
    this.#leases[isolate % this.#leases.length] = newLease();
    this.sleeping = this.sleeping.filter((sleeper) => sleeper.isolate !== isolate);
  }

  /** One request all the way, at once. */
  pass(isolate: number): boolean {
    const before = this.passed.length;
    this.request(isolate);
    this.settleAll();
    return this.passed.length > before;
  }

  /** Requests of one isolate until one is denied; says how many passed. */
  drain(isolate: number): number {
    let passed = 0;
    while (this.pass(isolate)) passed++;
    return passed;
  }

  /** Permits used in the busiest window, whichever use ends it. */
  busiest(windowMs: number): number {
    const uses = this.passed.toSorted((a, b) => a - b);
    let first = 0;
    return uses.reduce((most, use, last) => {
      while ((uses[first] ?? 0) <= use - windowMs) first++;
      return Math.max(most, last - first + 1);
    }, 0);
  }

  /** Permits used in the busiest calendar window. */
  busiestCalendar(windowMs: number): number {
    const counts = new Map<number, number>();
    for (const use of this.passed) {
      const window = Math.floor(use / windowMs);
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values());
  }

  lease(isolate: number): Lease {
    return this.#lease(isolate);
  }

  /** What the Limiter would say remains. */
  left(policy: Policy): number | undefined {
    return this.#ledger.look(this.now, [policy]).policies[0]?.decision.remaining;
  }

  /** What the Limiter takes to be lent. */
  lent(policy: Policy): number {
    return this.#ledger.lent(this.now, policy);
  }

  /** What the Limiter would take back. */
  get returnable(): number {
    return this.#ledger.returnable;
  }

  #grantedAt = 0;

  #noteLent(): void {
    for (const policy of this.#policies)
      this.mostLent = Math.max(this.mostLent, this.lent(policy) / Math.max(1, this.left(policy) ?? 0));
  }

  #decide(isolate: number, since: number): void {
    const lease = this.#lease(isolate);
    if (take(lease, this.now) !== undefined) {
      this.passed.push(this.now);
      if (wantsRenewal(lease, this.now)) this.#ask(isolate);
    } else if (isDenied(lease, this.now)) this.#refuse(isolate, since, awaitLoans(lease, this.now));
    else this.#wait(isolate, since);
  }

  #wait(isolate: number, since: number): void {
    const waiter = {
      state: 'waiting' as const,
      token: undefined,
      tell: (answer: Answer) => this.#told(isolate, since, answer),
    };
    join(this.#lease(isolate), waiter);
    this.#ask(isolate);
  }

  #told(isolate: number, since: number, answer: Answer): void {
    if (answer.kind === 'granted') this.passed.push(this.#isLive(answer.grant) ? this.now : this.#grantedAt);
    else if (answer.kind === 'ask') this.#ask(isolate);
    else this.#refuse(isolate, since, answer.kind === 'obstructed' ? answer.until : undefined);
  }

  #refuse(isolate: number, since: number, until: number | undefined): void {
    if (until === undefined || until > since + PATIENCE_MS) this.denied++;
    else this.sleeping.push({ isolate, since, until });
  }

  #ask(isolate: number): void {
    const asking = startAsking(this.#lease(isolate), this.now, TERMS);
    if (asking !== undefined) this.asks.push({ isolate, asking });
  }

  #message({ waiters, ahead, spent }: Asking): Ask {
    const waiting = waiters.length;
    return {
      ...{ version: VERSION, policies: this.#policies, cost: 1, returnable: true },
      ...{ want: waiting + ahead, waiting, spent },
    };
  }

  #endGrant(lease: Lease, grant: Grant): void {
    const unused = endGrant(lease, grant);
    if (unused > 0) this.returns.push({ version: VERSION, grant: grant.name, unused, part: grant.returns++ });
  }

  #lease(isolate: number): Lease {
    const lease = this.#leases[isolate % this.#leases.length];
    if (lease === undefined) throw new Error('a ladder has at least one isolate');
    return lease;
  }

  #isLive(grant: Grant): boolean {
    return grant.leased && this.now < grant.expires;
  }

  #write(write: Stored): void {
    this.writes++;
    this.#stored = structuredClone(write);
  }
}
