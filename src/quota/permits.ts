// Where an isolate gets permits from: those it holds, else the Limiter, else the failure policy.
import type { Config } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { arrive } from './arrivals.ts';
import { wantsRenewal } from './asking.ts';
import { type Asker, Asks } from './asks.ts';
import { keyOf, type Plan } from './charge.ts';
import { failurePolicy } from './failure-policy.ts';
import { awaitLoans, isDenied, isHeld, newLease, noteDecided, take } from './lease.ts';
import { LimiterError } from './limiter-error.ts';
import { type Holding, isFreed, type Outcome, outcomeOf } from './outcome.ts';
import { obstructed } from './settle.ts';
import { newShare, type Share } from './share.ts';
import { type Answer, accept, isOpen, type Obstructed } from './waiter.ts';

/** Leases kept in an isolate. */
const CAPACITY = 20_000;

/** A request waits for loans no longer than a lease's life and this, which a return and an ask may take. */
const RETURN_MS = 1_000;

/** A request that asks. */
interface Visit {
  readonly asker: Asker;
  readonly holdings: readonly Holding[];
  readonly cameAt: number;
  /** A denial is final, so that it waits for loans to come back. */
  readonly enforced: boolean;
}

/** The permits of one isolate. */
export class Permits {
  readonly #holdings = new BoundedMap<string, Holding>(CAPACITY);
  readonly #asks: Asks;
  readonly #config: Config;
  readonly #onError: ReturnType<typeof failurePolicy>;

  constructor(config: Config) {
    this.#config = config;
    this.#asks = new Asks(config);
    this.#onError = failurePolicy(config);
  }

  /** What this isolate holds of a partition under a plan. */
  holdingOf(plan: Plan, partition: string): Holding {
    const known = this.#holdings.get(keyOf(plan, partition));
    return known ?? { plan, partition, ...newLease(this.#newShare(plan)) };
  }

  /** Only what is asked for is kept: else a spent caller could fill the memory with partitions that it only names. */
  #remember(holdings: readonly Holding[]): void {
    for (const holding of holdings) this.#holdings.set(keyOf(holding.plan, holding.partition), holding);
  }

  #newShare({ byRate, policies, cost }: Plan): Share | undefined {
    if (byRate.length === 0) return undefined;
    const { leaseMs } = this.#config;
    const isPartial = byRate.length < policies.length;
    return newShare({ id: crypto.randomUUID(), policies: byRate, cost, isPartial, leaseMs });
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
    let areHeld = true;
    for (const holding of holdings) {
      holding.uses++;
      arrive(holding.arrivals, now);
      areHeld &&= isHeld(holding, now);
      if (denying === undefined && this.#isDenied(holding, now)) denying = holding;
    }
    if (areHeld) return this.#takeAll(asker, holdings, now);
    const until = denying !== undefined && enforced ? awaitLoans(denying, now) : undefined;
    const isSure = enforced || areMarkedLately(holdings, now, this.#config.leaseMs);
    // Where one is known to deny, the others are not even asked: else a spent subject's flood would reach theirs.
    if (denying !== undefined && until === undefined && isSure) return this.#deny(holdings, now);
    this.#remember(holdings);
    const visit = { asker, holdings, cameAt: now, enforced };
    return until === undefined ? this.#ask(visit) : this.#askInTurn(visit, until);
  }

  /** Nothing of these will come back, so nobody need wait for it, but for what their answers tell. */
  keep(outcomes: readonly Outcome[]): void {
    for (const { holding, grant } of outcomes)
      if (grant !== undefined && holding.plan.holdMs === undefined) noteDecided(holding, grant);
  }

  /** Gives a permit back before the request goes on: another partition denied, no slot was free, or the token is revoked. */
  undo(asker: Asker, { grant, holding, settle }: Outcome): void {
    settle?.(0);
    if (grant !== undefined) this.#asks.release(asker, holding, grant);
  }

  /**
   * Says what a request spent of each policy once its answer is known, at most once for each outcome; of plans with `holdMs`
   * always, since others wait for it. Without it, the cost of the plan stays spent.
   * @param used permits: 0 gives all back; under plans with `holdMs` a part may come back, and more than the plan's cost is
   * charged as a debt.
   */
  settle(asker: Asker, { grant, holding, policies, settle }: Outcome, used: number): void {
    settle?.(used);
    if (grant !== undefined) this.#asks.settle(asker, holding, grant, { policies, used });
  }

  #takeAll(asker: Asker, holdings: readonly Holding[], now: number): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const holding of holdings) {
      outcomes.push(outcomeOf(holding, take(holding, now), now));
      if (wantsRenewal(holding, now)) this.#asks.ask(asker, holding, isAlone(holdings));
    }
    return outcomes;
  }

  #deny(holdings: readonly Holding[], now: number): Outcome[] {
    return holdings.map((holding) => outcomeOf(holding, undefined, now, !this.#isDenied(holding, now)));
  }

  #isDenied(holding: Holding, now: number): boolean {
    return this.#config.leases !== 'off' && isDenied(holding, now) && !isFreed(holding, now);
  }

  /** Asks at once for all that are not held; where loans are in its way, waits for them. */
  async #ask(visit: Visit): Promise<Outcome[]> {
    const { asker, holdings, cameAt, enforced } = visit;
    const alone = isAlone(holdings);
    const asked = await Promise.all(
      holdings.map((holding) =>
        isHeld(holding, cameAt) ? undefined : this.#asks.wait(asker, holding, alone),
      ),
    );
    // What was held is taken now: a request that is dropped while it waits must not take it along.
    const answers = await this.#askRest(visit, asked);
    const obstruction = enforced ? obstructionIn(answers) : undefined;
    if (obstruction !== undefined) return this.#waitFor(visit, answers, obstruction);
    return this.#decide(visit, answers);
  }

  /**
   * Waits for loans, then asks one after the other, holding nothing while it waits again: requests that asked in different
   * orders would wait for each other.
   */
  async #askInTurn(visit: Visit, until: number): Promise<Outcome[]> {
    await scheduler.wait(Math.max(1, until - Date.now()));
    const answers = await this.#askRest(visit, []);
    const obstruction = obstructionIn(answers);
    return obstruction === undefined
      ? this.#decide(visit, answers)
      : this.#waitFor(visit, answers, obstruction);
  }

  /** A lease's life and a round trip at most; for what a request holds until its answer, as long as one may take. */
  #waitFor(
    visit: Visit,
    answers: readonly (Answer | undefined)[],
    { until, held }: Obstructed,
  ): Outcome[] | Promise<Outcome[]> {
    const { leaseMs, origin } = this.#config;
    const patienceMs = (held ? origin.timeoutMs : leaseMs) + RETURN_MS;
    const isLeft = visit.asker.signal.aborted;
    if (isLeft || until > visit.cameAt + patienceMs) return this.#decide(visit, answers);
    this.#releaseAll(visit, answers);
    return this.#askInTurn(visit, until);
  }

  /** With an answer of each that has none yet, one after the other, until one denies. */
  async #askRest(
    { asker, holdings }: Visit,
    asked: readonly (Answer | undefined)[],
  ): Promise<(Answer | undefined)[]> {
    const answers = [...asked];
    for (const [i, holding] of holdings.entries()) {
      if (answers.some((answer) => answer?.kind === 'denied' || answer?.kind === 'obstructed')) break;
      answers[i] ??= this.#knownDenial(holding) ?? (await this.#obtain(asker, holding, isAlone(holdings)));
    }
    return answers;
  }

  async #obtain(asker: Asker, holding: Holding, alone: boolean): Promise<Answer> {
    const grant = take(holding, Date.now());
    return grant === undefined ? this.#asks.wait(asker, holding, alone) : { kind: 'granted', grant };
  }

  #knownDenial(holding: Holding): Answer | undefined {
    const now = Date.now();
    if (!this.#isDenied(holding, now)) return undefined;
    const until = awaitLoans(holding, now);
    const { said } = holding;
    return until === undefined ? { kind: 'denied', said } : obstructed(holding, until, said);
  }

  #releaseAll({ asker, holdings }: Visit, answers: readonly (Answer | undefined)[]): void {
    const now = Date.now();
    for (const [i, holding] of holdings.entries()) {
      const answer = answers[i];
      if (answer?.kind !== 'granted' || !isOpen(answer, now)) continue;
      accept(answer);
      this.#asks.release(asker, holding, answer.grant);
    }
  }

  /** What was granted is taken now, all at once; if the client has left, or some of it is lost meanwhile, none is. */
  #decide(visit: Visit, answers: readonly (Answer | undefined)[]): Outcome[] | Promise<Outcome[]> {
    const { asker, holdings, cameAt } = visit;
    const now = Date.now();
    const granted = answers.filter((answer) => answer?.kind === 'granted');
    const isLost = granted.some((answer) => !isOpen(answer, now));
    if (asker.signal.aborted || isLost) {
      this.#releaseAll(visit, answers);
      if (isLost && now < cameAt + this.#config.leaseMs) return this.#askInTurn(visit, now);
      return holdings.map((holding) => outcomeOf(holding, undefined, now, false));
    }
    for (const answer of granted) accept(answer);
    const outcomes = holdings.map((holding, i) => this.#outcome(holding, answers[i], now));
    if (outcomes.length > 1 && outcomes.every(({ allowed, holding }) => allowed && !holding.plan.awaitsSlot))
      this.keep(outcomes);
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
}

/** Whether a request whose permits are granted is decided by that. */
const isAlone = ([first, ...others]: readonly Holding[]): boolean =>
  others.length === 0 && !first?.plan.awaitsSlot;

/** The last of those that are in the way, where nothing else is. */
const obstructionIn = (answers: readonly (Answer | undefined)[]): Obstructed | undefined => {
  if (answers.some((answer) => answer?.kind === 'denied')) return undefined;
  return answers
    .filter((answer) => answer?.kind === 'obstructed')
    .toSorted((a, b) => b.until - a.until)
    .at(0);
};

/** Whether an answer of the Limiter's is held that is no older than a lease may get. */
const areMarkedLately = (holdings: readonly Holding[], now: number, leaseMs: number): boolean =>
  holdings.every(({ plan, markedAt }) => plan.kind !== 'subject' || now < markedAt + leaseMs);
