// What limits should have done, by one counter that knows all without distance, and what they did. Pure.
import { Agenda } from '../simulation/agenda.ts';
import type { Answer, Visit } from './world.ts';

/** A quota over a window, of whoever `partition` says. */
export interface Quota {
  readonly quota: number;
  readonly windowMs: number;
  readonly partition: (visit: Visit) => string;
}

/** Requests that may be in flight at one time, of whoever `partition` says. */
export interface AtOnce {
  readonly slots: number;
  readonly partition: (visit: Visit) => string;
  /** How long a request waits for a slot, milliseconds. Absent: half a second. */
  readonly patienceMs?: number;
}

export interface Limits {
  readonly quotas: readonly Quota[];
  readonly atOnce?: AtOnce;
  /** What a request has spent in the end. Absent: its cost, which is 1, whatever the answer is. */
  readonly spent?: (visit: Visit) => number;
}

/** What a request takes before its answer is known. */
const COST = 1;

/** A request waits so long for what others may give back, and for a slot; milliseconds. */
const HELD_PATIENCE_MS = 31_000;
const SLOT_PATIENCE_MS = 500;

/**
 * Permits above a quota, or requests above a limit at once, that certainly passed; the most of any moment. What has ended since
 * counts as given back at once, a debt only once the Limiter can have heard of it, `newsMs` after the answer.
 */
export const over = (answers: readonly Answer[], limits: Limits, newsMs: number): number =>
  Math.max(
    0,
    ...limits.quotas.flatMap((quota) =>
      grouped(answers, quota.partition).map((own) => overQuota(own, quota, limits.spent, newsMs)),
    ),
    ...(limits.atOnce === undefined ? [] : [overSlots(answers, limits.atOnce)]),
  );

type Passed = Answer & { readonly passedAt: number };

const isPassed = (answer: Answer): answer is Passed => answer.passedAt !== undefined;

const grouped = (answers: readonly Answer[], partition: (visit: Visit) => string): Passed[][] => [
  ...Map.groupBy(answers.filter(isPassed), ({ visit }) => partition(visit)).values(),
];

/**
 * For each request that passed: the last decision of those that count then was made while all of them counted, whatever the
 * moments were at which the Limiter made them.
 */
const overQuota = (
  passed: readonly Passed[],
  { quota, windowMs }: Quota,
  spent: Limits['spent'],
  newsMs: number,
): number => {
  const sorted = passed.toSorted((a, b) => a.passedAt - b.passedAt);
  let most = 0;
  for (const one of sorted) {
    let sum = 0;
    for (const other of sorted) {
      if (other.passedAt > one.passedAt) break;
      sum += countedAt(one, other, windowMs, spent, newsMs);
    }
    most = Math.max(most, sum - quota);
  }
  return most;
};

const countedAt = (
  { passedAt, cameAt }: Passed,
  other: Passed,
  windowMs: number,
  spent: Limits['spent'],
  newsMs: number,
): number => {
  const isInWindow = other.cameAt > passedAt - windowMs;
  const isSettled = !other.lost && other.endedAt !== undefined && other.endedAt <= passedAt;
  if (spent === undefined || !isSettled) return isInWindow ? COST : 0;
  // Whoever left before the answer has spent its cost, and nobody knows of more.
  const used = other.left ? COST : spent(other.visit);
  const endedAt = other.endedAt ?? 0;
  const isDebtKnown = endedAt + newsMs <= cameAt && endedAt > passedAt - windowMs;
  return (isInWindow ? Math.min(used, COST) : 0) + (isDebtKnown ? Math.max(0, used - COST) : 0);
};

const overSlots = (answers: readonly Answer[], { slots, partition }: AtOnce): number =>
  Math.max(0, ...grouped(answers, partition).map((passed) => mostAtOnce(passed) - slots));

const mostAtOnce = (passed: readonly Passed[]): number => {
  const steps = passed.flatMap(({ passedAt, endedAt = Number.POSITIVE_INFINITY }) => [
    { at: passedAt, by: 1 },
    { at: endedAt, by: -1 },
  ]);
  let [now, most] = [0, 0];
  for (const { by } of steps.toSorted((a, b) => a.at - b.at || a.by - b.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
};

/** How many of the requests that came one counter without distance would have let pass. */
export const ideal = (answers: readonly Pick<Answer, 'visit' | 'cameAt'>[], limits: Limits): number => {
  const counter = new AllKnowing(limits, answers[0]?.cameAt ?? 0);
  for (const { visit, cameAt } of answers) counter.agenda.add(cameAt, () => counter.arrive(visit, cameAt));
  counter.agenda.runUntil(Number.POSITIVE_INFINITY);
  return counter.passed;
};

interface Spending {
  readonly at: number;
  readonly permits: number;
}

interface Account {
  held: number;
  spent: Spending[];
}

type Decision = 'pass' | 'wait' | 'refuse';

/** One counter of everything. Nobody overtakes who waits. */
class AllKnowing {
  readonly agenda: Agenda;
  passed = 0;
  readonly #limits: Limits;
  readonly #accounts = new Map<string, Account>();
  readonly #inFlight = new Map<string, number>();
  #waiting: { readonly visit: Visit; readonly until: number }[] = [];

  constructor(limits: Limits, start: number) {
    this.#limits = limits;
    this.agenda = new Agenda(start);
  }

  arrive(visit: Visit, at: number): void {
    const { atOnce } = this.#limits;
    const patienceMs = atOnce === undefined ? HELD_PATIENCE_MS : (atOnce.patienceMs ?? SLOT_PATIENCE_MS);
    const decision = this.#decide(visit);
    if (decision === 'pass') this.#pass(visit);
    if (decision === 'wait') this.#waiting.push({ visit, until: at + patienceMs });
  }

  #decide(visit: Visit): Decision {
    const { quotas, atOnce } = this.#limits;
    const accounts = quotas.map((quota) => ({ quota, account: this.#account(quota, visit) }));
    const spentOf = ({ spent }: Account) => spent.reduce((sum, { permits }) => sum + permits, 0);
    if (accounts.some(({ quota, account }) => spentOf(account) + COST > quota.quota)) return 'refuse';
    const isObstructed = accounts.some(
      ({ quota, account }) => spentOf(account) + account.held + COST > quota.quota,
    );
    const isFull = atOnce !== undefined && this.#countOf(atOnce, visit) >= atOnce.slots;
    return isObstructed || isFull ? 'wait' : 'pass';
  }

  #pass(visit: Visit): void {
    const { now } = this.agenda;
    const { quotas, atOnce, spent } = this.#limits;
    const accounts = quotas.map((quota) => this.#account(quota, visit));
    this.passed++;
    for (const account of accounts)
      if (spent === undefined) account.spent.push({ at: now, permits: COST });
      else account.held += COST;
    if (atOnce !== undefined) this.#count(atOnce, visit, 1);
    if (spent !== undefined || atOnce !== undefined)
      this.agenda.add(now + visit.takesMs, () => this.#end(visit, accounts, now));
  }

  #end(visit: Visit, accounts: readonly Account[], passedAt: number): void {
    const { now } = this.agenda;
    const { atOnce, spent } = this.#limits;
    const used = spent?.(visit) ?? 0;
    for (const account of spent === undefined ? [] : accounts) {
      account.held -= COST;
      account.spent.push({ at: passedAt, permits: Math.min(used, COST) });
      account.spent.push({ at: now, permits: Math.max(0, used - COST) });
    }
    if (atOnce !== undefined) this.#count(atOnce, visit, -1);
    this.#serve();
  }

  #serve(): void {
    const waiting = this.#waiting.filter(({ until }) => until > this.agenda.now);
    this.#waiting = waiting.filter(({ visit }) => {
      const decision = this.#decide(visit);
      if (decision === 'pass') this.#pass(visit);
      return decision === 'wait';
    });
  }

  #account({ windowMs, partition }: Quota, visit: Visit): Account {
    const name = partition(visit);
    const account = this.#accounts.get(name) ?? { held: 0, spent: [] };
    this.#accounts.set(name, account);
    account.spent = account.spent.filter(({ at }) => at > this.agenda.now - windowMs);
    return account;
  }

  #countOf({ partition }: AtOnce, visit: Visit): number {
    return this.#inFlight.get(partition(visit)) ?? 0;
  }

  #count(atOnce: AtOnce, visit: Visit, by: number): void {
    this.#inFlight.set(atOnce.partition(visit), this.#countOf(atOnce, visit) + by);
  }
}
