// Isolates in data centres, Limiters somewhere among them, and the time messages take. What isolates and Limiters do
// is the Worker's own code; only waiting, distance and mishaps are made up.

import { LEASE_MS, type Reply, VERSION } from '../../src/limiter/messages.ts';
import { loanable, type Policy } from '../../src/limiter/policy.ts';
import { arrive } from '../../src/quota/arrivals.ts';
import { join, passOn, startAsking, wantsRenewal } from '../../src/quota/asking.ts';
import type { Grant } from '../../src/quota/grant.ts';
import {
  type Asking,
  awaitLoans,
  endGrant,
  endShareIfOver,
  isDenied,
  type Lease,
  newLease,
  take,
} from '../../src/quota/lease.ts';
import { settle, settleLent } from '../../src/quota/settle.ts';
import { isLent, newShare, type Share } from '../../src/quota/share.ts';
import type { Answer } from '../../src/quota/waiter.ts';
import { Agenda } from './agenda.ts';
import { type Costs, SimulatedObject } from './object.ts';
import type { Random } from './random.ts';

export interface WorldOptions {
  readonly policy: Policy;
  readonly isolates: number;
  readonly colos: number;
  readonly leases: boolean;
  readonly random: Random;
  /** When it begins, milliseconds since the epoch. */
  readonly start: number;
  /** A round trip between two data centres, milliseconds. Absent: they are spread evenly around the earth. */
  readonly roundTripMs?: (from: number, to: number) => number;
}

/** A round trip within a data centre, and between two on opposite sides of the earth; milliseconds. */
const NEAR_MS = 2;
const FAR_MS = 240;

/** Mean of what chance adds to a one-way trip, and what making a write durable takes; milliseconds. */
const JITTER_MS = 1;
const WRITE_MS = 8;

/** `LIMITER_TIMEOUT_MS`. */
const TIMEOUT_MS = 1_000;

/** A request waits for loans no longer than a lease's life and a round trip. */
const PATIENCE_MS = LEASE_MS + TIMEOUT_MS;

/** A request, and where. */
interface Visit {
  readonly isolate: Isolate;
  readonly subject: number;
  readonly lease: Lease;
  readonly cameAt: number;
}

interface Isolate {
  readonly colo: number;
  /** Gone with the isolate. */
  leases: Map<number, Lease>;
}

/** What became of a subject's requests. */
export interface Log {
  /** When each came. */
  readonly arrivals: number[];
  /** When each that passed was decided. */
  readonly passed: number[];
}

export class World {
  readonly agenda: Agenda;
  readonly costs: Costs = { calls: 0, rows: 0 };
  readonly logs = new Map<number, Log>();
  /** How long each request waited for its decision, milliseconds. */
  readonly waits: number[] = [];
  readonly #options: WorldOptions;
  readonly #isolates: Isolate[];
  readonly #objects = new Map<number, SimulatedObject>();
  /** When the answer that is being told was decided. */
  #grantedAt = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.agenda = new Agenda(options.start);
    this.#isolates = Array.from({ length: options.isolates }, (_, i) => ({
      colo: i % options.colos,
      leases: new Map(),
    }));
  }

  /** An isolate as far from the first as there is. */
  get farthest(): number {
    return Math.floor(this.#options.colos / 2);
  }

  /** A request of `subject` at an isolate of that number. */
  request(subject: number, at: number): void {
    const isolate = this.#isolate(at);
    const lease = leaseOf(isolate, subject, this.#options);
    const { now } = this.agenda;
    this.#log(subject).arrivals.push(now);
    arrive(lease.arrivals, now);
    this.#decide({ isolate, subject, lease, cameAt: now });
  }

  /** The isolate is evicted, with all it held. */
  loseIsolate(at: number): void {
    this.#isolate(at).leases = new Map();
  }

  /** Every Limiter loses its memory. */
  crashObjects(): void {
    for (const object of this.#objects.values()) object.crash();
  }

  /** A Limiter that was asked at some time loses its memory. */
  crashObject(): void {
    const objects = [...this.#objects.values()];
    objects[this.#options.random.below(Math.max(1, objects.length))]?.crash();
  }

  /** A new version of the Worker: everybody's memory is gone. */
  deploy(): void {
    for (const isolate of this.#isolates) isolate.leases = new Map();
    this.crashObjects();
  }

  #decide(visit: Visit): void {
    const { lease, subject, cameAt } = visit;
    const { now } = this.agenda;
    if (take(lease, now) !== undefined) {
      this.#pass(subject, now, cameAt);
      if (wantsRenewal(lease, now)) this.#ask(visit);
    } else if (this.#options.leases && isDenied(lease, now)) this.#refuse(visit, awaitLoans(lease, now));
    else {
      join(lease, { state: 'waiting', token: undefined, tell: (answer) => this.#told(visit, answer) });
      this.#ask(visit);
    }
  }

  #told(visit: Visit, answer: Answer): void {
    const { now } = this.agenda;
    if (answer.kind === 'ask') this.#ask(visit);
    else if (answer.kind !== 'granted')
      this.#refuse(visit, answer.kind === 'obstructed' ? answer.until : undefined);
    // A permit granted alone was decided by the Limiter, one of a lease by the isolate while the lease lives.
    else
      this.#pass(
        visit.subject,
        answer.grant.leased && now < answer.grant.expires ? now : this.#grantedAt,
        visit.cameAt,
      );
  }

  /** Denied, unless loans can come back in time. */
  #refuse(visit: Visit, until: number | undefined): void {
    const { now } = this.agenda;
    if (until === undefined || until > visit.cameAt + PATIENCE_MS) this.waits.push(now - visit.cameAt);
    else this.agenda.add(until, () => this.#decide(visit));
  }

  #ask(visit: Visit): void {
    const { isolate, subject, lease } = visit;
    const { leases, policy } = this.#options;
    const { leasable } = loanable([policy], LEASE_MS);
    const terms = { leasable: leases && leasable, leaseMs: LEASE_MS, shared: leases, timeoutMs: TIMEOUT_MS };
    const asking = startAsking(lease, this.agenda.now, terms);
    if (asking === undefined) return;
    const object = this.#object(subject, isolate.colo);
    const { waiters, ahead, share, spent, returns } = asking;
    const message = { version: VERSION, policies: [policy], cost: 1, returnable: true } as const;
    this.#travel(isolate, object, () => {
      const waiting = waiters.length;
      const ask = {
        ...message,
        want: waiting + ahead,
        waiting,
        holder: lease.share?.name,
        share,
        spent,
        returns,
      };
      const { reply, written } = object.consume(this.agenda.now, ask);
      const grantedAt = this.agenda.now;
      const back = () => this.#answered(visit, asking, reply, grantedAt);
      this.#travel(isolate, object, back, written ? WRITE_MS : 0);
    });
  }

  #answered({ isolate, subject, lease }: Visit, asking: Asking, reply: Reply, grantedAt: number): void {
    // The isolate is gone, its requests with it: what was granted to it is lost.
    if (isolate.leases.get(subject) !== lease) return;
    this.#grantedAt = grantedAt;
    settleLent(lease, asking, reply, this.agenda.now);
    const grant = settle(lease, asking, reply);
    passOn(lease);
    if (grant?.leased) this.#endInTime(isolate, subject, lease, grant);
    if (reply.share !== undefined && lease.share !== undefined)
      this.#endShareInTime(isolate, subject, lease, lease.share);
    else this.#return(isolate, subject, lease);
  }

  #return(isolate: Isolate, subject: number, lease: Lease): void {
    if (lease.share === undefined || isLent(lease.share)) return;
    const object = this.#object(subject, isolate.colo);
    for (const each of lease.returns.splice(0))
      this.#travel(isolate, object, () => object.giveBack(this.agenda.now, each));
  }

  #endShareInTime(isolate: Isolate, subject: number, lease: Lease, share: Share): void {
    const { expires } = share;
    this.agenda.add(expires, () => {
      if (isolate.leases.get(subject) !== lease || share.expires > expires) return;
      endShareIfOver(lease, this.agenda.now);
      this.#return(isolate, subject, lease);
    });
  }

  #endInTime(isolate: Isolate, subject: number, lease: Lease, grant: Grant): void {
    this.agenda.add(grant.expires, () => {
      if (isolate.leases.get(subject) !== lease) return;
      const unused = endGrant(lease, grant);
      if (unused === 0) return;
      const object = this.#object(subject, isolate.colo);
      const name = grant.name;
      this.#travel(isolate, object, () =>
        object.giveBack(this.agenda.now, { version: VERSION, grant: name, unused }),
      );
    });
  }

  #pass(subject: number, decidedAt: number, cameAt: number): void {
    this.#log(subject).passed.push(decidedAt);
    this.waits.push(this.agenda.now - cameAt);
  }

  #travel(isolate: Isolate, object: SimulatedObject, deed: () => void, extraMs = 0): void {
    const { random, roundTripMs } = this.#options;
    const roundTrip =
      roundTripMs?.(isolate.colo, object.colo) ?? around(isolate.colo, object.colo, this.#options.colos);
    const oneWay = roundTrip / 2 + random.gapMs(1_000 / JITTER_MS);
    this.agenda.add(this.agenda.now + oneWay + extraMs, deed);
  }

  #object(subject: number, colo: number): SimulatedObject {
    const known = this.#objects.get(subject) ?? new SimulatedObject(colo, this.costs);
    this.#objects.set(subject, known);
    return known;
  }

  #isolate(at: number): Isolate {
    const isolate = this.#isolates[at % this.#isolates.length];
    if (isolate === undefined) throw new Error('a world has at least one isolate');
    return isolate;
  }

  #log(subject: number): Log {
    const known = this.logs.get(subject) ?? { arrivals: [], passed: [] };
    this.logs.set(subject, known);
    return known;
  }
}

/** A round trip between two of so many data centres that are spread evenly around the earth, milliseconds. */
export const around = (from: number, to: number, colos: number): number => {
  const apart = Math.abs(from - to);
  const distance = Math.min(apart, colos - apart) / Math.max(1, colos / 2);
  return NEAR_MS + (FAR_MS - NEAR_MS) * distance;
};

const leaseOf = (isolate: Isolate, subject: number, options: WorldOptions): Lease => {
  const known = isolate.leases.get(subject) ?? newLease(shareOf(options));
  isolate.leases.set(subject, known);
  return known;
};

let shares = 0;

const shareOf = ({ policy, leases }: WorldOptions): Share | undefined => {
  const { byRate } = loanable([policy], LEASE_MS);
  if (!leases || byRate.length === 0) return undefined;
  const share = { cost: 1, isPartial: false, leaseMs: LEASE_MS };
  return newShare({ ...share, id: String(shares++), policies: byRate });
};
