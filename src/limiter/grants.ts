// Grants of which something may still come back, and what is counted as lent or held of them. No clock, no I/O.
import { permitsOf } from './counters.ts';
import type { Loans } from './loans.ts';
import type { Adopted, Ask, Return, Settlement } from './messages.ts';
import type { Policy } from './policy.ts';

/** Grants remembered, of those to be settled and of others. A settlement names the policies and the cost of one that is forgotten. */
const MAX_GRANTS = 4_096;

/** A settlement is told again within so long, and so many are known by their names for that: more than one object hears. */
const RETOLD_MS = 10_000;
const MAX_SETTLED = 16_384;

/**
 * A grant's return is accepted for so long after two lives of a lease: of those that are told with the next ask, or of an
 * answer that another partition was slow with.
 */
const RETURNABLE_MS = 2_000;

/** Whoever waits for another partition is waited for at most so long. */
const UNDECIDED_MS = 1_000;

/** Whoever tells later what it spent is waited for at most so long: the longest `ORIGIN_TIMEOUT_MS`, and a minute. */
const MAX_HOLD_MS = 660_000;

/** What may come back. */
interface Grant {
  readonly policies: readonly Policy[];
  readonly cost: number;
  /** When its permits were charged. */
  readonly until: number;
  /** Requests that have neither come back nor been settled. */
  granted: number;
  /** Where they are counted that are lent or held, how many requests that are, and until when. */
  readonly out: Loans;
  lent: number;
  readonly loanEnd: number;
  readonly forgetAt: number;
  /** Parts that have come back. */
  readonly parts: Set<number>;
}

/** What a return or a settlement is of. */
interface Charged {
  readonly policies: readonly Policy[];
  readonly cost: number;
  /** When it was charged; undefined where that is past, so that nothing can come back. */
  readonly until: number | undefined;
}

/** What a return brings back. */
interface Back {
  readonly grant: Pick<Grant, 'policies' | 'cost' | 'until'>;
  readonly requests: number;
}

/** Requests that are granted: those that wait, and those that are lent ahead. */
export interface Portion {
  readonly served: number;
  readonly ahead: number;
}

/** When a grant was made, when it was charged, and how long leases live. */
interface Times {
  readonly now: number;
  readonly until: number;
  readonly leaseMs: number;
}

/** The grants of one load of a partition. */
export class Grants {
  readonly #load: string;
  readonly #loans: Loans;
  readonly #holds: Loans;
  /** In the order they were granted: those that are to be settled, and others. */
  readonly #held = new Map<string, Grant>();
  readonly #others = new Map<string, Grant>();
  /** When each request of late was settled; the latest are last. */
  readonly #settled = new Map<string, number>();
  /** Until then a settlement may be told again that is not known any more. */
  #unsureUntil = 0;
  #count = 0;

  /**
   * @param load names this load: a return that names an earlier one is ignored, since storage counted those permits.
   * @param loans where what is lent is counted.
   * @param holds where what is to be settled is counted.
   */
  constructor(load: string, loans: Loans, holds: Loans) {
    this.#load = load;
    this.#loans = loans;
    this.#holds = holds;
  }

  get size(): number {
    return this.#held.size + this.#others.size;
  }

  /** When the oldest was granted that is not settled yet; undefined where all are. */
  get heldSince(): number | undefined {
    return this.#held.values().next().value?.until;
  }

  /** @returns the grant's name, which says of which load it is and when it was charged. */
  remember({ now, until, leaseMs }: Times, ask: Ask, { served, ahead }: Portion): string {
    const { policies, cost, undecidedMs = 0, holdMs } = ask;
    const name = `${this.#load}.${this.#count++}.${until}`;
    const waitMs = holdMs === undefined ? within(undecidedMs, UNDECIDED_MS) : within(holdMs, MAX_HOLD_MS);
    const out = holdMs === undefined ? this.#loans : this.#holds;
    const lent = ahead + (waitMs > 0 ? served : 0);
    const loanEnd = Math.max(until, now + waitMs);
    const grant = { policies, cost, until, granted: served + ahead, out, lent, loanEnd };
    const forgetAt = Math.max(loanEnd, now + 2 * leaseMs) + RETURNABLE_MS;
    (holdMs === undefined ? this.#others : this.#held).set(name, { ...grant, forgetAt, parts: new Set() });
    for (const policy of policies) out.lend(policy.counter, loanEnd, permitsOf(policy, cost, lent));
    return name;
  }

  /** Nothing of it comes back any more. */
  forget(name: string): void {
    const grant = this.#find(name);
    if (grant === undefined) return;
    this.#held.delete(name);
    this.#others.delete(name);
    endLoan(grant, grant.lent);
  }

  /** Those whose time is over, or that are too many, stay spent. */
  forgetOld(now: number): void {
    for (const grants of [this.#held, this.#others])
      for (const [name, grant] of grants) {
        if (grant.forgetAt > now && grants.size <= MAX_GRANTS) break;
        this.forget(name);
      }
    for (const [request, at] of this.#settled) {
      if (at + RETOLD_MS > now && this.#settled.size <= MAX_SETTLED) break;
      this.#settled.delete(request);
      this.#unsureUntil = at + RETOLD_MS;
    }
  }

  /** Each part once; undefined where nothing comes back. */
  takeBack({ grant: name, unused, part }: Return): Back | undefined {
    const grant = this.#find(name);
    if (grant === undefined) return undefined;
    if (part !== undefined) return this.#end(name, grant, part, unused);
    this.forget(name);
    return { grant, requests: Math.min(unused, grant.granted) };
  }

  /** What one request is settled of, each part once; undefined where it was settled before, or nothing is known of it. */
  settle(now: number, { grant: name, part, policies, cost }: Settlement): Charged | undefined {
    const request = `${name} ${part}`;
    if (this.#settled.has(request)) return undefined;
    this.#settled.set(request, now);
    const grant = this.#find(name);
    if (grant !== undefined) {
      const ended = this.#end(name, grant, part, 1);
      return ended?.requests === 1 ? ended.grant : undefined;
    }
    if (policies === undefined || cost === undefined) return undefined;
    const [load, , until] = name.split('.');
    const comesBack = load === this.#load && now >= this.#unsureUntil;
    return { policies, cost, until: comesBack ? Number(until) : undefined };
  }

  #find(name: string): Grant | undefined {
    return this.#held.get(name) ?? this.#others.get(name);
  }

  #end(name: string, grant: Grant, part: number, most: number): Back | undefined {
    if (grant.parts.has(part)) return undefined;
    const requests = Math.min(most, grant.granted);
    grant.parts.add(part);
    grant.granted -= requests;
    endLoan(grant, requests);
    if (grant.granted === 0) this.#held.delete(name);
    return { grant, requests };
  }

  /** What is charged of used requests that a share may take over; nothing is changed. */
  charged(adopted: readonly Adopted[]): Back[] {
    return adopted.flatMap(({ grant: name, requests }) => {
      const grant = this.#others.get(name);
      return grant === undefined ? [] : [{ grant, requests: Math.min(requests, grant.granted) }];
    });
  }

  /** A share has taken them over: nothing of them comes back. */
  takeOver(adopted: readonly Adopted[]): void {
    for (const { grant: name, requests } of adopted) {
      const grant = this.#others.get(name);
      if (grant === undefined) continue;
      const taken = Math.min(requests, grant.granted);
      grant.granted -= taken;
      endLoan(grant, taken);
    }
  }
}

const within = (ms: number, most: number): number => Math.min(Math.max(0, ms), most);

const endLoan = (grant: Grant, requests: number): void => {
  const { policies, cost, loanEnd, out } = grant;
  const ended = Math.min(requests, grant.lent);
  grant.lent -= ended;
  for (const policy of policies) out.settle(policy.counter, loanEnd, permitsOf(policy, cost, ended));
};
