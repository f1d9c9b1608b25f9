// Where an isolate gets permits from: those it holds, else the Limiter, else the failure policy.
import { BoundedMap } from '../bounded-map.ts';
import type { Config } from '../config.ts';
import type { Bindings, Identity } from '../env.ts';
import { failurePolicy } from './failure-policy.ts';
import {
  draw,
  endGrant,
  type Grant,
  held,
  holdDenial,
  type Lease,
  newLease,
  putBack,
  settle,
  startAsking,
  take,
  tellAbnormal,
  wantsRenewal,
} from './lease.ts';
import { LimiterClient, LimiterError } from './limiter-client.ts';
import { type Abnormal, type Ask, LEASE_MS, VERSION } from './messages.ts';
import type { Plan } from './plan.ts';
import type { Decision, Policy } from './policy.ts';
import type { Marks } from './standing.ts';

/** Leases kept in an isolate. */
const CAPACITY = 20_000;

/** A partition without policies needs no permits: one answer serves a lease's whole life. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** The part of a request that asking needs. */
export interface Requester {
  readonly env: Bindings;
  readonly executionCtx: Pick<ExecutionContext, 'waitUntil'>;
  get(name: 'identity'): Identity | undefined;
}

/** Who is to be asked, and for what. */
export interface Party {
  readonly plan: Plan;
  readonly partition: string;
}

/** Whether a request may pass one partition, and what its fields should say. */
export interface Outcome extends Party {
  readonly allowed: boolean;
  /** Those of the plan, unless an override is in force. */
  readonly policies: readonly Policy[];
  readonly decisions: readonly Decision[];
  /** When the decisions were made, by the isolate's clock. */
  readonly decidedAt: number;
  /** Permits held here beside what the decisions say remains. */
  readonly heldPermits: number;
  /** What the permit was taken from; undefined when denied. */
  readonly grant: Grant | undefined;
  /** Revocation marks of the partition. */
  readonly marks: Marks | undefined;
  readonly abnormal: Abnormal | undefined;
  /** The Limiter did not answer and the failure policy decided. */
  readonly error?: LimiterError;
}

/** A lease and what it is of. */
interface Holding extends Party {
  readonly lease: Lease;
}

export class Permits {
  readonly #leases = new BoundedMap<string, Lease>(CAPACITY);
  readonly #client: LimiterClient;
  readonly #config: Config;
  readonly #onError: ReturnType<typeof failurePolicy>;

  constructor(config: Config) {
    this.#config = config;
    this.#client = new LimiterClient(config);
    this.#onError = failurePolicy(config);
  }

  /**
   * Takes the permit of one request from every partition; synchronously when the isolate already knows.
   * @param enforced a denial is final. In shadow mode it is not, so the marks must be as fresh as for a grant.
   */
  use(c: Requester, parties: readonly Party[], enforced: boolean): Outcome[] | Promise<Outcome[]> {
    const now = Date.now();
    const holdings = parties.map((party) => ({ ...party, lease: this.#leaseOf(party) }));
    for (const { lease } of holdings) lease.uses++;
    const final = enforced || holdings.every((holding) => isMarkedLately(holding, now));
    // Where one is known to deny, the others are not even asked: else a spent subject's flood would reach theirs.
    if (final && holdings.some(({ lease }) => this.#isDenied(lease, now)))
      return holdings.map((holding) =>
        outcomeOf(holding, undefined, now, !this.#isDenied(holding.lease, now)),
      );
    return settled(holdings.map((holding) => this.#useOne(c, holding, now, parties.length === 1)));
  }

  /** @param alone no other partition decides on this request, so a granted permit is never given back. */
  #useOne(c: Requester, holding: Holding, now: number, alone: boolean): Outcome | Promise<Outcome> {
    const grant = take(holding.lease, now);
    if (grant === undefined) return this.#ask(c, holding, alone);
    if (wantsRenewal(holding.lease, now)) c.executionCtx.waitUntil(this.#renew(c, holding));
    return outcomeOf(holding, grant, now);
  }

  #isDenied(lease: Lease, now: number): boolean {
    return this.#config.leases && now < lease.deniedUntil && held(lease, now) === 0;
  }

  /** Gives a permit back, because another partition denied. */
  undo(c: Requester, outcome: Outcome): void {
    const { grant, partition } = outcome;
    if (grant === undefined) return;
    if (grant.size > 1) putBack(this.#leaseOf(outcome), grant);
    else if (grant.name !== '') c.executionCtx.waitUntil(this.#return(c, partition, grant.name, 1));
  }

  #leaseOf({ plan, partition }: Party): Lease {
    const key = `${plan.id}${partition}`;
    const known = this.#leases.get(key);
    if (known !== undefined) return known;
    const lease = newLease();
    this.#leases.set(key, lease);
    return lease;
  }

  async #ask(c: Requester, holding: Holding, alone: boolean): Promise<Outcome> {
    const { plan, partition, lease } = holding;
    holdDenial(lease, Date.now(), this.#config.limiterTimeoutMs);
    try {
      const granted = await this.#fetch(c, holding, alone);
      const now = Date.now();
      // What the Limiter no longer has, another request's lease may still hold.
      const grant = granted === undefined ? take(lease, now) : draw(granted);
      return outcomeOf(holding, grant, now);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
      lease.deniedUntil = 0;
      // Marks hold as far as this isolate knows them.
      return { ...this.#onError(plan, partition, error), marks: lease.marks };
    }
  }

  /** Fetches the next lease while requests still live on this one. */
  async #renew(c: Requester, holding: Holding): Promise<void> {
    const { lease } = holding;
    lease.renewingUntil = Date.now() + this.#config.limiterTimeoutMs;
    try {
      const grant = await this.#fetch(c, holding, false);
      // A permit that comes alone was charged for that moment, and nobody was waiting for it.
      if (grant?.size === 1) await this.#return(c, holding.partition, grant.name, 1);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
      // No request waits for this one; when the lease runs out, the next to ask meets the failure policy.
    } finally {
      lease.renewingUntil = 0;
    }
  }

  async #fetch(c: Requester, holding: Holding, alone: boolean): Promise<Grant | undefined> {
    const { plan, partition, lease } = holding;
    const askedAt = Date.now();
    const hot = startAsking(lease, askedAt, plan.leasable);
    const want = plan.policies.length === 0 ? UNLIMITED : hot;
    const returnable = plan.policies.length > 0 && (want > 1 || !alone);
    const reply = await this.#client.consume(c.env, partition, {
      version: VERSION,
      policies: plan.policies,
      cost: plan.cost,
      want,
      returnable,
      ...this.#aboutCaller(c, plan, lease),
    });
    const grant = settle(lease, askedAt, reply);
    if (grant !== undefined && grant.size > 1) c.executionCtx.waitUntil(this.#endInTime(c, holding, grant));
    return grant;
  }

  /** Only subjects have tokens to revoke and a usual use. */
  #aboutCaller(c: Requester, { kind }: Plan, lease: Lease): Pick<Ask, 'token' | 'watch'> | undefined {
    const identity = c.get('identity');
    if (kind !== 'subject' || identity === undefined) return undefined;
    const { uses } = lease;
    lease.uses = 0;
    const { abnormal } = this.#config;
    return {
      token: { jti: identity.jti, iat: identity.iat },
      watch: abnormal && { factor: abnormal.factor, deny: abnormal.action === 'deny', uses },
    };
  }

  /** Sends back what is left of a lease once nobody may use it any more. */
  async #endInTime(c: Requester, { partition, lease }: Holding, grant: Grant): Promise<void> {
    await scheduler.wait(Math.max(0, grant.expires - Date.now()));
    const unused = endGrant(lease, grant);
    if (unused > 0 && grant.name !== '') await this.#return(c, partition, grant.name, unused);
  }

  #return(c: Requester, partition: string, grant: string, unused: number): Promise<void> {
    return this.#client.giveBack(c.env, partition, { version: VERSION, grant, unused });
  }
}

const isMarkedLately = ({ plan, lease }: Holding, now: number): boolean =>
  plan.kind !== 'subject' || now < lease.markedAt + LEASE_MS;

/** Waits only where there is something to wait for: a request on held permits stays in its own turn. */
const settled = (outcomes: (Outcome | Promise<Outcome>)[]): Outcome[] | Promise<Outcome[]> =>
  outcomes.every(isSettled) ? outcomes : Promise.all(outcomes);

const isSettled = (outcome: Outcome | Promise<Outcome>): outcome is Outcome => !(outcome instanceof Promise);

const outcomeOf = (
  { plan, partition, lease }: Holding,
  grant: Grant | undefined,
  now: number,
  allowed = grant !== undefined,
): Outcome => ({
  plan,
  partition,
  allowed,
  policies: lease.policies ?? plan.policies,
  decisions: lease.decisions,
  decidedAt: lease.decidedAt,
  heldPermits: held(lease, now) * plan.cost,
  grant,
  marks: lease.marks,
  abnormal: tellAbnormal(lease),
});
