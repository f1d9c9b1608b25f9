// The ladder without a network: real ledgers and leases, with time, delay, loss, eviction and crash in the test's hands.

import { Ledger, type Stored } from '../../src/limiter/ledger.ts';
import { type Reply, type Return, VERSION } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import {
  draw,
  endGrant,
  type Grant,
  holdDenial,
  type Lease,
  newLease,
  settle,
  startAsking,
  take,
} from '../../src/quota/lease.ts';
import { EPOCH } from './policies.ts';

/** `LIMITER_TIMEOUT_MS`. */
const TIMEOUT_MS = 1_000;

interface Asked {
  isolate: number;
  askedAt: number;
  want: number;
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
  readonly #policies: readonly Policy[];
  readonly #leases: Lease[];
  #stored: Stored | undefined;
  #loads = 0;
  #ledger = new Ledger(undefined, '0');

  constructor(policies: readonly Policy[], isolates: number) {
    this.#policies = policies;
    this.#leases = Array.from({ length: isolates }, newLease);
  }

  /** A request: passes on a held permit, else an ask is under way. */
  request(isolate: number): void {
    const lease = this.#lease(isolate);
    if (take(lease, this.now) !== undefined) this.passed.push(this.now);
    else if (this.now < lease.deniedUntil) this.denied++;
    else {
      holdDenial(lease, this.now, TIMEOUT_MS);
      this.asks.push({ isolate, askedAt: this.now, want: startAsking(lease, this.now, true) });
    }
  }

  /** An ask reaches the Limiter; what it writes is durable before its reply leaves. */
  deliverAsk(index = 0): void {
    const [asked] = this.asks.splice(index % Math.max(1, this.asks.length), 1);
    if (asked === undefined) return;
    this.calls++;
    const { reply, write } = this.#ledger.consume(this.now, {
      version: VERSION,
      policies: this.#policies,
      cost: 1,
      want: asked.want,
      returnable: asked.want > 1,
    });
    if (write !== undefined) this.#write(write);
    this.replies.push({ ...asked, reply, grantedAt: this.now });
  }

  /** A reply reaches its isolate. A plain permit was decided by the Limiter, a lease's by the isolate while it lives. */
  deliverReply(index = 0): void {
    const [answer] = this.replies.splice(index % Math.max(1, this.replies.length), 1);
    if (answer === undefined) return;
    const lease = this.#lease(answer.isolate);
    const granted = settle(lease, answer.askedAt, answer.reply);
    const grant = granted === undefined ? take(lease, this.now) : draw(granted);
    if (grant === undefined) this.denied++;
    else this.passed.push(granted !== undefined && !this.#isLive(granted) ? answer.grantedAt : this.now);
  }

  /** Leases that are over are sent back. */
  endLeases(): void {
    for (const lease of this.#leases)
      for (const grant of lease.grants.filter(({ expires }) => expires <= this.now)) {
        const unused = endGrant(lease, grant);
        if (unused > 0) this.returns.push({ version: VERSION, grant: grant.name, unused });
      }
  }

  /** A return reaches the Limiter; one that is kept arrives again later. */
  deliverReturn(index = 0, keep = false): void {
    const at = index % Math.max(1, this.returns.length);
    const unused = this.returns[at];
    if (!keep) this.returns.splice(at, 1);
    if (unused !== undefined) this.#ledger.giveBack(this.now, unused);
  }

  /** Eviction, redeploy or crash: all the same to what was not stored. */
  crash(): void {
    this.#loads++;
    this.#ledger = new Ledger(structuredClone(this.#stored), String(this.#loads));
  }

  /** One request all the way, at once. */
  pass(isolate: number): boolean {
    const before = this.passed.length;
    this.request(isolate);
    this.deliverAsk();
    this.deliverReply();
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

  #lease(isolate: number): Lease {
    const lease = this.#leases[isolate % this.#leases.length];
    if (lease === undefined) throw new Error('a ladder has at least one isolate');
    return lease;
  }

  #isLive(grant: Grant): boolean {
    return grant.size > 1 && this.now < grant.expires;
  }

  #write(write: Stored): void {
    this.writes++;
    this.#stored = structuredClone(write);
  }
}
