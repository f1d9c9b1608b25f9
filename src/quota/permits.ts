// Where an isolate gets permits from: those it holds, else the Limiter, else the failure policy.

import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { type Ask, LEASE_MS, VERSION } from '../limiter/messages.ts';
import { LimiterClient, LimiterError } from './client.ts';
import { failurePolicy } from './failure-policy.ts';
import {
  draw,
  endGrant,
  type Grant,
  held,
  holdDenial,
  newLease,
  putBack,
  settle,
  startAsking,
  take,
  tellAbnormal,
  wantsRenewal,
} from './lease.ts';
import type { Holding, Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';

/** Leases kept in an isolate. */
const CAPACITY = 20_000;

/** A partition without policies needs no permits: one answer serves a lease's whole life. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Asks on behalf of a request. */
type Asker = Pick<Exchange, 'env' | 'identity' | 'waitUntil'>;

export class Permits {
  readonly #holdings = new BoundedMap<string, Holding>(CAPACITY);
  readonly #client: LimiterClient;
  readonly #config: Config;
  readonly #onError: ReturnType<typeof failurePolicy>;

  constructor(config: Config) {
    this.#config = config;
    this.#client = new LimiterClient(config);
    this.#onError = failurePolicy(config);
  }

  /** What this isolate holds of a partition under a plan. */
  holdingOf(plan: Plan, partition: string): Holding {
    const key = `${plan.id}${partition}`;
    const known = this.#holdings.get(key);
    if (known !== undefined) return known;
    const holding = { plan, partition, ...newLease() };
    this.#holdings.set(key, holding);
    return holding;
  }

  /**
   * Takes the permit of one request from every lease; synchronously when the isolate already knows, so that a request on
   * held permits stays in its own turn. Loops, not callbacks, since every hot request comes this way: those would be
   * most of what it allocates.
   * @param enforced a denial is final. In shadow mode it is not, so the marks must be as fresh as for a grant.
   */
  use(asker: Asker, holdings: readonly Holding[], enforced: boolean): Outcome[] | Promise<Outcome[]> {
    const now = Date.now();
    let spent = false;
    for (const holding of holdings) {
      holding.uses++;
      spent ||= this.#isDenied(holding, now);
    }
    // Where one is known to deny, the others are not even asked: else a spent subject's flood would reach theirs.
    if (spent && (enforced || areMarkedLately(holdings, now))) return this.#deny(holdings, now);
    const outcomes = holdings.map((holding) => this.#useOne(asker, holding, now, holdings.length === 1));
    return outcomes.every(isSettled) ? outcomes : Promise.all(outcomes);
  }

  #deny(holdings: readonly Holding[], now: number): Outcome[] {
    return holdings.map((holding) => outcomeOf(holding, undefined, now, !this.#isDenied(holding, now)));
  }

  /** @param alone no other partition decides on this request, so a granted permit is never given back. */
  #useOne(asker: Asker, holding: Holding, now: number, alone: boolean): Outcome | Promise<Outcome> {
    const grant = take(holding, now);
    if (grant === undefined) return this.#ask(asker, holding, alone);
    if (wantsRenewal(holding, now)) asker.waitUntil(this.#renew(asker, holding));
    return outcomeOf(holding, grant, now);
  }

  #isDenied(holding: Holding, now: number): boolean {
    return this.#config.leases && now < holding.deniedUntil && held(holding, now) === 0;
  }

  /** Gives a permit back, because another partition denied. */
  undo(asker: Asker, outcome: Outcome): void {
    const { grant, holding } = outcome;
    if (grant === undefined) return;
    if (grant.size > 1) putBack(holding, grant);
    else if (grant.name !== '') asker.waitUntil(this.#return(asker, holding, grant.name, 1));
  }

  async #ask(asker: Asker, holding: Holding, alone: boolean): Promise<Outcome> {
    holdDenial(holding, Date.now(), this.#config.limiterTimeoutMs);
    try {
      const granted = await this.#fetch(asker, holding, alone);
      const now = Date.now();
      // What the Limiter no longer has, another request's lease may still hold.
      const grant = granted === undefined ? take(holding, now) : draw(granted);
      return outcomeOf(holding, grant, now);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
      holding.deniedUntil = 0;
      // Marks hold as far as this isolate knows them.
      return { ...this.#onError(holding, error), marks: holding.marks };
    }
  }

  /** Fetches the next lease while requests still live on this one. */
  async #renew(asker: Asker, holding: Holding): Promise<void> {
    holding.renewingUntil = Date.now() + this.#config.limiterTimeoutMs;
    try {
      const grant = await this.#fetch(asker, holding, false);
      // A permit that comes alone was charged for that moment, and nobody was waiting for it.
      if (grant?.size === 1) await this.#return(asker, holding, grant.name, 1);
    } catch (error) {
      if (!(error instanceof LimiterError)) throw error;
      // No request waits for this one; when the lease runs out, the next to ask meets the failure policy.
    } finally {
      holding.renewingUntil = 0;
    }
  }

  async #fetch(asker: Asker, holding: Holding, alone: boolean): Promise<Grant | undefined> {
    const { plan } = holding;
    const askedAt = Date.now();
    const hot = startAsking(holding, askedAt, plan.leasable);
    const want = plan.policies.length === 0 ? UNLIMITED : hot;
    const returnable = plan.policies.length > 0 && (want > 1 || !alone);
    const reply = await this.#client.consume(asker.env, holding.partition, {
      version: VERSION,
      policies: plan.policies,
      cost: plan.cost,
      want,
      returnable,
      ...this.#aboutCaller(asker, holding),
    });
    const grant = settle(holding, askedAt, reply);
    if (grant !== undefined && grant.size > 1) asker.waitUntil(this.#endInTime(asker, holding, grant));
    return grant;
  }

  /** Only subjects have tokens to revoke and a usual use. */
  #aboutCaller({ identity }: Asker, holding: Holding): Pick<Ask, 'token' | 'watch'> | undefined {
    if (holding.plan.kind !== 'subject' || identity === undefined) return undefined;
    const { uses } = holding;
    holding.uses = 0;
    const { abnormal } = this.#config;
    return {
      token: { jti: identity.jti, iat: identity.iat },
      watch: abnormal && { factor: abnormal.factor, deny: abnormal.action === 'deny', uses },
    };
  }

  /** Sends back what is left of a lease once nobody may use it any more. */
  async #endInTime(asker: Asker, holding: Holding, grant: Grant): Promise<void> {
    await scheduler.wait(Math.max(0, grant.expires - Date.now()));
    const unused = endGrant(holding, grant);
    if (unused > 0 && grant.name !== '') await this.#return(asker, holding, grant.name, unused);
  }

  #return({ env }: Asker, { partition }: Holding, grant: string, unused: number): Promise<void> {
    return this.#client.giveBack(env, partition, { version: VERSION, grant, unused });
  }
}

const areMarkedLately = (holdings: readonly Holding[], now: number): boolean =>
  holdings.every(({ plan, markedAt }) => plan.kind !== 'subject' || now < markedAt + LEASE_MS);

const isSettled = (outcome: Outcome | Promise<Outcome>): outcome is Outcome => !(outcome instanceof Promise);

const outcomeOf = (
  holding: Holding,
  grant: Grant | undefined,
  now: number,
  allowed = grant !== undefined,
): Outcome => ({
  holding,
  allowed,
  policies: holding.policies ?? holding.plan.policies,
  decisions: holding.decisions,
  decidedAt: holding.decidedAt,
  heldPermits: held(holding, now) * holding.plan.cost,
  grant,
  marks: holding.marks,
  abnormal: tellAbnormal(holding),
});
