// Grants that may still be given back, in part or whole, and what is on loan of them. No clock, no I/O.
import { permitsOf } from './counters.ts';
import type { Loans } from './loans.ts';
import type { Ask, Return } from './messages.ts';
import type { Policy } from './policy.ts';
import type { Portion } from './portion.ts';

/** Grants that may still be given back; beyond it the oldest stay spent. */
const MAX_GRANTS = 4_096;

/**
 * A grant's return is accepted for so long after two lives of a lease: of those that are told with the next ask, or of an
 * answer that another partition was slow with.
 */
const RETURNABLE_MS = 2_000;

/** Whoever waits for another partition is waited for at most so long. */
const UNDECIDED_MS = 1_000;

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

/** What a return brings back. */
interface Back {
  readonly grant: Pick<Grant, 'policies' | 'cost' | 'until'>;
  readonly requests: number;
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
  /** In the order they were granted. */
  readonly #grants = new Map<string, Grant>();
  #count = 0;

  /**
   * @param load names this load: a return that names an earlier one is ignored, since storage counted those permits.
   * @param loans where what may come back is counted as lent.
   */
  constructor(load: string, loans: Loans) {
    this.#load = load;
    this.#loans = loans;
  }

  get size(): number {
    return this.#grants.size;
  }

  /** A name that no other grant has. */
  nextName(): string {
    return `${this.#load}.${this.#count++}`;
  }

  /** @returns the grant's name. */
  remember({ now, until, leaseMs }: Times, ask: Ask, { served, ahead }: Portion): string {
    const { policies, cost, undecidedMs = 0 } = ask;
    const name = this.nextName();
    const undecided = Math.min(Math.max(0, undecidedMs), UNDECIDED_MS);
    const lent = ahead + (undecided > 0 ? served : 0);
    const loanEnd = Math.max(until, now + undecided);
    const forgetAt = now + 2 * leaseMs + RETURNABLE_MS;
    this.#grants.set(name, { policies, cost, until, granted: served + ahead, lent, loanEnd, forgetAt });
    for (const policy of policies) this.#loans.lend(policy.counter, loanEnd, permitsOf(policy, cost, lent));
    return name;
  }

  /** Nothing of it comes back any more. */
  forget(name: string): void {
    const grant = this.#grants.get(name);
    if (grant === undefined) return;
    this.#grants.delete(name);
    this.#endLoan(grant, grant.lent);
  }

  /** Those whose time is over, or that are too many, stay spent. */
  forgetOld(now: number): void {
    for (const [name, grant] of this.#grants) {
      if (grant.forgetAt > now && this.#grants.size <= MAX_GRANTS) break;
      this.forget(name);
    }
  }

  /** Each part once; undefined where nothing comes back. */
  takeBack({ grant: name, unused, part }: Return): Back | undefined {
    const grant = this.#grants.get(name);
    if (grant === undefined) return undefined;
    const requests = Math.min(unused, grant.granted);
    if (part === undefined) this.forget(name);
    else if (grant.parts?.has(part)) return undefined;
    else {
      grant.parts ??= new Set();
      grant.parts.add(part);
      grant.granted -= requests;
      this.#endLoan(grant, requests);
    }
    return { grant, requests };
  }

  #endLoan(grant: Grant, requests: number): void {
    const { policies, cost, loanEnd } = grant;
    const settled = Math.min(requests, grant.lent);
    grant.lent -= settled;
    for (const policy of policies)
      this.#loans.settle(policy.counter, loanEnd, permitsOf(policy, cost, settled));
  }
}
