// Where an isolate gets permits from: those it holds, else the Limiter, else the failure policy.
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { type Ask, LEASE_MS, VERSION } from '../limiter/messages.ts';
import type { TokenClaims } from '../limiter/standing.ts';
import { LimiterClient, LimiterError } from './client.ts';
import { failurePolicy } from './failure-policy.ts';
import {
  type Answer,
  type Asking,
  arrive,
  awaitLoans,
  endGrant,
  fail,
  type Grant,
  held,
  isDenied,
  join,
  newLease,
  noteDecided,
  passOn,
  putBack,
  reclaim,
  type Said,
  settle,
  startAsking,
  take,
  tellAbnormal,
  unnoteSpent,
  type Waiter,
  wantsRenewal,
} from './lease.ts';
import type { Holding, Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';

/** Leases kept in an isolate. */
const CAPACITY = 20_000;

/** A partition without policies needs no permits: one answer serves a lease's whole life. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** A waiting request looks so often whether anybody asks for it: who was to may have been dropped. */
const LOOK_EVERY_MS = 100;

/** An ask is counted as lost so long after its time limit. */
const LOST_MS = 100;

/** A request that was granted a permit and has not taken it after so long was dropped. */
const TAKEN_WITHIN_MS = 250;

/** How long one partition's permit is on loan while others are asked. */
const UNDECIDED_MS = 250;

/** What permits need of a request. */
export interface Asker {
  readonly env: Bindings;
  /** Undefined for an anonymous caller. */
  readonly identity: Identity | undefined;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** Keeps the isolate awake until `work` is done, whatever becomes of the request. */
  waitUntil(work: Promise<unknown>): void;
}

/** The permits of one isolate. */
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
   * @param enforced a denial is final, so it waits for loans to come back. In shadow mode it is not: the request does not
   * wait, and the marks must be as fresh as for a grant.
   */
  use(asker: Asker, holdings: readonly Holding[], enforced: boolean): Outcome[] | Promise<Outcome[]> {
    const now = Date.now();
    let denying: Holding | undefined;
    for (const holding of holdings) {
      holding.uses++;
      arrive(holding, now);
      if (denying === undefined && this.#isDenied(holding, now)) denying = holding;
    }
    if (denying !== undefined && enforced) {
      const until = awaitLoans(denying, now);
      // Where one is known to deny, the others are not even asked: else a spent subject's flood would reach theirs.
      if (until === undefined) return this.#deny(holdings, now);
      return this.#useLater(asker, holdings, { now, until });
    }
    if (denying !== undefined && areMarkedLately(holdings, now)) return this.#deny(holdings, now);
    const grants: (Grant | undefined)[] = [];
    let areHeld = true;
    for (const holding of holdings) {
      const grant = take(holding, now);
      grants.push(grant);
      areHeld &&= grant !== undefined;
      if (grant !== undefined && wantsRenewal(holding, now)) this.#ask(asker, holding, holdings.length === 1);
    }
    if (!areHeld) return this.#askFor(asker, holdings, grants, { now, enforced });
    return holdings.map((holding, i) => outcomeOf(holding, grants[i], now));
  }

  /** Gives a permit back: another partition denied, or the token is revoked. */
  undo(asker: Asker, { grant, holding, giveBack }: Outcome): void {
    giveBack?.();
    if (grant !== undefined) this.#release(asker, holding, grant);
  }

  #deny(holdings: readonly Holding[], now: number): Outcome[] {
    return holdings.map((holding) => outcomeOf(holding, undefined, now, !this.#isDenied(holding, now)));
  }

  #isDenied(holding: Holding, now: number): boolean {
    return this.#config.leases && isDenied(holding, now);
  }

  /** Asks all that hold nothing for this request at once; where loans are in its way, it waits for them. */
  async #askFor(
    asker: Asker,
    holdings: readonly Holding[],
    grants: readonly (Grant | undefined)[],
    { now, enforced }: { now: number; enforced: boolean },
  ): Promise<Outcome[]> {
    const alone = holdings.length === 1;
    const answers = await Promise.all(
      holdings.map((holding, i) => answerOf(grants[i]) ?? this.#wait(asker, holding, alone)),
    );
    const until = enforced ? obstructedUntil(answers) : undefined;
    if (until === undefined) return this.#outcomes(holdings, answers);
    this.#releaseAll(asker, holdings, answers);
    return this.#useLater(asker, holdings, { now, until });
  }

  /**
   * Waits for loans, then asks in turn, holding nothing while it waits again: requests that asked in different orders
   * would wait for each other.
   */
  async #useLater(
    asker: Asker,
    holdings: readonly Holding[],
    { now, until }: { now: number; until: number },
  ): Promise<Outcome[]> {
    const end = now + LEASE_MS + this.#config.limiterTimeoutMs;
    for (let next = until; ; ) {
      await scheduler.wait(Math.max(1, next - Date.now()));
      const answers = await this.#askInTurn(asker, holdings);
      const obstructed = obstructedUntil(answers);
      if (obstructed === undefined || obstructed > end) return this.#outcomes(holdings, answers);
      this.#releaseAll(asker, holdings, answers);
      next = obstructed;
    }
  }

  /** One after the other, until one denies. */
  async #askInTurn(asker: Asker, holdings: readonly Holding[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const holding of holdings) {
      const now = Date.now();
      const known = answerOf(take(holding, now)) ?? this.#knownDenial(holding, now);
      const answer = known ?? (await this.#wait(asker, holding, holdings.length === 1));
      answers.push(answer);
      if (answer.kind !== 'granted' && answer.kind !== 'failed') break;
    }
    return answers;
  }

  #knownDenial(holding: Holding, now: number): Answer | undefined {
    if (!this.#isDenied(holding, now)) return undefined;
    const until = awaitLoans(holding, now);
    const { said } = holding;
    return until === undefined ? { kind: 'denied', said } : { kind: 'obstructed', until, said };
  }

  #releaseAll(asker: Asker, holdings: readonly Holding[], answers: readonly Answer[]): void {
    for (const [i, holding] of holdings.entries()) {
      const answer = answers[i];
      if (answer?.kind === 'granted') this.#release(asker, holding, answer.grant);
    }
  }

  #outcomes(holdings: readonly Holding[], answers: readonly Answer[]): Outcome[] {
    const now = Date.now();
    const outcomes = holdings.map((holding, i) => this.#outcome(holding, answers[i], now));
    if (outcomes.length > 1 && outcomes.every(({ allowed }) => allowed))
      for (const { holding, grant } of outcomes) if (grant !== undefined) noteDecided(holding, grant);
    return outcomes;
  }

  #outcome(holding: Holding, answer: Answer | undefined, now: number): Outcome {
    // Not asked, since another denied before it.
    if (answer === undefined) return outcomeOf(holding, undefined, now, true);
    if (answer.kind === 'granted') return outcomeOf(holding, answer.grant, now);
    if (answer.kind === 'failed') return this.#withoutLimiter(holding, answer.error);
    return outcomeOf(holding, undefined, now, false, answer.kind === 'ask' ? holding.said : answer.said);
  }

  #withoutLimiter(holding: Holding, error: unknown): Outcome {
    if (!(error instanceof LimiterError)) throw error;
    // Marks hold as far as this isolate knows them.
    return { ...this.#onError(holding, error), marks: holding.marks };
  }

  /**
   * Waits for a permit. What it waits for is a promise of its own, which whoever has the answer keeps; a timer of its own
   * runs beside it, without which the runtime would take the request for hung.
   */
  async #wait(asker: Asker, holding: Holding, alone: boolean): Promise<Answer> {
    let answer: Answer | undefined;
    let wake = (): void => {};
    const waiter: Waiter = {
      state: 'waiting',
      token: tokenOf(asker, holding),
      tell: (told) => {
        answer = told;
        wake();
      },
    };
    const { signal } = asker;
    if (signal.aborted || !join(holding, waiter)) return { kind: 'denied', said: holding.said };
    signal.addEventListener('abort', () => leave(waiter), { once: true });
    const end = Date.now() + 2 * (this.#config.limiterTimeoutMs + LOST_MS);
    while (Date.now() < end) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, LOOK_EVERY_MS);
      });
      if (waiter.state === 'waiting') this.#ask(asker, holding, alone);
      await woken;
      const told: Answer | undefined = answer;
      answer = undefined;
      if (told === undefined || told.kind === 'ask') continue;
      if (told.kind !== 'granted' || accept(waiter, signal)) return told;
      // Its permit is given back, or has been already.
      return this.#wait(asker, holding, alone);
    }
    leave(waiter);
    return { kind: 'failed', error: new LimiterError('limiter_timeout') };
  }

  /** Asks for all that wait, in the background: the answer belongs to the lease, whatever becomes of this request. */
  #ask(asker: Asker, holding: Holding, alone: boolean): void {
    const { leases, limiterTimeoutMs } = this.#config;
    const timeoutMs = limiterTimeoutMs + LOST_MS;
    const terms = { leasable: holding.plan.leasable, shared: leases, timeoutMs };
    const asking = startAsking(holding, Date.now(), terms);
    if (asking !== undefined) asker.waitUntil(this.#fetch(asker, holding, asking, alone));
  }

  async #fetch(asker: Asker, holding: Holding, asking: Asking, alone: boolean): Promise<void> {
    const ask = this.#askOf(asker, holding, asking, alone);
    const background = (work: Promise<void>) => asker.waitUntil(work);
    const reply = await this.#client
      .consume(asker.env, holding.partition, ask, background)
      .catch((error: unknown) => fail(holding, asking, error));
    const settled = reply && settle(holding, asking, reply);
    passOn(holding);
    if (settled?.lease !== undefined) await this.#endInTime(asker, holding, asking, settled.lease);
    if (settled?.unclaimed !== undefined)
      await this.#returnUnclaimed(asker, holding, asking, settled.unclaimed);
  }

  #askOf(asker: Asker, holding: Holding, { waiters, ahead, spent }: Asking, alone: boolean): Ask {
    const { plan } = holding;
    const isUnlimited = plan.policies.length === 0;
    const { uses } = holding;
    holding.uses = 0;
    const { abnormal } = this.#config;
    return {
      version: VERSION,
      policies: plan.policies,
      cost: plan.cost,
      want: isUnlimited ? UNLIMITED : waiters.length + ahead,
      waiting: waiters.length,
      returnable: !isUnlimited,
      undecidedMs: alone ? undefined : UNDECIDED_MS,
      spent: spent.length === 0 ? undefined : spent,
      token: commonToken(waiters, tokenOf(asker, holding)),
      watch:
        plan.kind === 'subject' && asker.identity !== undefined
          ? abnormal && { factor: abnormal.factor, deny: abnormal.action === 'deny', uses }
          : undefined,
    };
  }

  /** Sends back what is left of a lease once nobody may use it any more. */
  async #endInTime(asker: Asker, holding: Holding, asking: Asking, grant: Grant): Promise<void> {
    await scheduler.wait(Math.max(0, grant.expires - Date.now()));
    grant.returning += endGrant(holding, grant) + reclaim(asking);
    await this.#return(asker, holding, grant);
  }

  /** Sends back what was for requests that have left. */
  async #returnUnclaimed(asker: Asker, holding: Holding, asking: Asking, grant: Grant): Promise<void> {
    await scheduler.wait(0);
    if (asking.waiters.some(({ state }) => state === 'granted')) await scheduler.wait(TAKEN_WITHIN_MS);
    grant.returning += endGrant(holding, grant) + reclaim(asking);
    await this.#return(asker, holding, grant);
  }

  /** A permit goes back to where it came from: the lease while it lives, else the Limiter, together with others. */
  #release(asker: Asker, holding: Holding, grant: Grant): void {
    unnoteSpent(holding, grant);
    if (grant.leased && Date.now() < grant.expires) putBack(holding, grant);
    else if (++grant.returning === 1)
      asker.waitUntil(scheduler.wait(0).then(() => this.#return(asker, holding, grant)));
  }

  async #return({ env }: Asker, { partition }: Holding, grant: Grant): Promise<void> {
    const unused = grant.returning;
    grant.returning = 0;
    if (unused === 0 || grant.name === '') return;
    const part = grant.returns++;
    await this.#client.giveBack(env, partition, { version: VERSION, grant: grant.name, unused, part });
  }
}

const answerOf = (grant: Grant | undefined): Answer | undefined => grant && { kind: 'granted', grant };

/** Until when loans are in the way, where nothing else is. */
const obstructedUntil = (answers: readonly Answer[]): number | undefined => {
  if (answers.some(({ kind }) => kind === 'denied')) return undefined;
  const ends = answers.flatMap((answer) => (answer.kind === 'obstructed' ? [answer.until] : []));
  return ends.length === 0 ? undefined : Math.max(...ends);
};

/** Takes the permit that was granted, unless it is given back already or the client has left. */
const accept = (waiter: Waiter, signal: AbortSignal): boolean => {
  if (waiter.state !== 'granted' || signal.aborted) return false;
  waiter.state = 'taken';
  return true;
};

/** A permit that is on its way to it is given back by whoever asked. */
const leave = (waiter: Waiter): void => {
  if (waiter.state === 'waiting' || waiter.state === 'asked') waiter.state = 'gone';
};

/** Only subjects have tokens to revoke. */
const tokenOf = ({ identity }: Asker, { plan }: Holding): TokenClaims | undefined =>
  plan.kind === 'subject' && identity !== undefined ? { jti: identity.jti, iat: identity.iat } : undefined;

/** The token of all that wait; undefined where they differ: each request's own is compared with the marks anyway. */
const commonToken = (waiters: readonly Waiter[], own: TokenClaims | undefined): TokenClaims | undefined => {
  const [first = own, ...others] = waiters.map(({ token }) => token);
  return others.every((token) => token?.jti === first?.jti && token?.iat === first?.iat) ? first : undefined;
};

const areMarkedLately = (holdings: readonly Holding[], now: number): boolean =>
  holdings.every(({ plan, markedAt }) => plan.kind !== 'subject' || now < markedAt + LEASE_MS);

const outcomeOf = (
  holding: Holding,
  grant: Grant | undefined,
  now: number,
  allowed = grant !== undefined,
  said: Said = holding.said,
): Outcome => ({
  holding,
  allowed,
  policies: said.policies ?? holding.plan.policies,
  decisions: said.decisions,
  decidedAt: said.decidedAt,
  heldPermits: held(holding, now) * holding.plan.cost,
  grant,
  marks: holding.marks,
  abnormal: tellAbnormal(holding),
});
