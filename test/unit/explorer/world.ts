// Two isolates and their Limiters with everything between them in the explorer's hands: the Worker's own permits, asks and
// ledgers, virtual time, and messages that arrive when the explorer says.
import type { Bindings } from '../../../src/bindings.ts';
import type { Config, Route } from '../../../src/config/types.ts';
import { Ledger } from '../../../src/limiter/ledger.ts';
import type { Ask, Reply, Return, Settlement } from '../../../src/limiter/messages.ts';
import type { Policy } from '../../../src/limiter/policy.ts';
import type { Stored } from '../../../src/limiter/stored.ts';
import type { Plan } from '../../../src/quota/charge.ts';
import { isRefusing, type Outcome } from '../../../src/quota/outcome.ts';
import { Permits } from '../../../src/quota/permits.ts';
import { chargesOf } from '../../../src/quota/plan.ts';
import { configWith, limitsOf, route } from '../../fixtures/config.ts';
import { bindingsOf } from '../isolates/bindings.ts';
import { VirtualTime } from '../isolates/virtual-time.ts';
import { EPOCH } from '../policies.ts';

/** What the isolates are configured with. */
export interface Setup {
  readonly limits: string;
  /** `IP_LIMITS`: another partition, which every request meets as well. */
  readonly ipLimits?: string;
  readonly algorithm?: Config['algorithm'];
  readonly cost?: number;
  /** Whether requests tell after their answer what they spent. */
  readonly told?: boolean;
}

const NO_POLICIES = { tiers: new Map(), anonymous: [], preflight: [], global: [] };

/** What worlds of one setup have in common. */
export interface Stage {
  readonly config: Config;
  /** What every request meets. */
  readonly plans: readonly Plan[];
}

/** As a Worker would be configured. */
export const stageOf = (setup: Setup): Stage => {
  const { limits, ipLimits, algorithm = 'sliding-window', cost = 1, told = false } = setup;
  const limitsIn = (text: string | undefined, scope: string) =>
    text === undefined ? [] : limitsOf(text, scope, 'enforce', algorithm);
  const policies = { ...NO_POLICIES, default: limitsIn(limits, 'default'), ip: limitsIn(ipLimits, 'ip') };
  const config = configWith({}, { algorithm, policies, onLimiterError: 'closed' });
  const met: Route = { ...route, cost, costHeader: told ? 'x-cost' : undefined };
  return { config, plans: chargesOf(config)(met, 'subject').enforced };
};

/** Isolates: two that the explorer plays, and others that look at what is left. */
const ISOLATES = 4;

/** Nobody waits longer than this for loans, or for a Limiter that does not answer. */
const PATIENCE_MS = 4_500;

/** Messages one after the other that take no time here, and what a way takes then, milliseconds. */
const QUICK_ROUNDS = 20;
const WAY_MS = 20;

/** On its way to a Limiter. */
export interface Message {
  readonly name: string;
  readonly isolate: number;
  readonly limiter: string;
  /** Name of the request that sent it. */
  readonly sender: string | undefined;
  /** What the Limiter does, and has the isolate hear. */
  readonly arrive: () => () => void;
}

/** An answer on its way back. */
export interface Answered extends Message {
  readonly hear: () => void;
}

/** A request that came. */
export interface Visit {
  readonly name: string;
  readonly isolate: number;
  readonly cameAt: number;
  readonly controller: AbortController;
  outcomes: readonly Outcome[] | undefined;
  /** `failed`: the Limiter did not answer in time; `gone`: the client left, or the request was killed. */
  state: 'open' | 'passed' | 'denied' | 'failed' | 'gone';
  decidedAt: number;
  /** `Retry-After`, milliseconds. */
  retryAfterMs: number;
}

/** Permits of one counter that were spent. */
export interface Use {
  readonly at: number;
  readonly permits: number;
  /** It was charged whether it fitted or not. */
  readonly isDebt: boolean;
  /** Name of the request. */
  readonly by: string;
}

interface Limiter {
  readonly name: string;
  ledger: Ledger;
  stored: Stored | undefined;
  loads: number;
  /** How far its clock is off, milliseconds. */
  skew: number;
}

export class World {
  readonly time = new VirtualTime(EPOCH);
  readonly policies: readonly Policy[];
  readonly visits: Visit[] = [];
  /** Their senders wait for the answers. */
  asks: Message[] = [];
  answers: Answered[] = [];
  /** Returns and settlements, whose senders do not wait. */
  returns: Message[] = [];
  /** By counter. */
  readonly uses = new Map<string, Use[]>();
  /** Most that was out on loan right after something was lent ahead, as a part of what then remained. */
  mostLent = 0;
  /** How long an isolate had requests at the least before something was lent ahead to it, milliseconds. */
  soonestLent = Number.POSITIVE_INFINITY;
  calls = 0;
  readonly #plans: readonly Plan[];
  readonly #config: Config;
  readonly #permits: Permits[];
  readonly #limiters = new Map<string, Limiter>();
  /** How many isolates there have been in each place, and messages of each. */
  readonly #lives: number[];
  readonly #sent: number[];
  /** By name of the grant. */
  readonly #grantedAt = new Map<string, number>();

  constructor({ config, plans }: Stage) {
    this.#config = config;
    this.#plans = plans;
    this.policies = plans.flatMap((plan) => plan.policies);
    const places = Array.from({ length: ISOLATES }, (_, i) => i);
    this.#permits = places.map(() => new Permits(this.#config));
    this.#lives = places.map(() => 0);
    this.#sent = places.map(() => 0);
  }

  get now(): number {
    return this.time.now;
  }

  get cost(): number {
    return this.#plans[0]?.cost ?? 1;
  }

  get limiters(): readonly Limiter[] {
    return [...this.#limiters.values()];
  }

  /** A request comes to an isolate. */
  async request(isolate: number): Promise<Visit> {
    const permits = this.#permits[isolate];
    if (permits === undefined) throw new Error('there is no such isolate');
    const visit: Visit = {
      ...{ name: String(this.visits.length), isolate, cameAt: this.now, controller: new AbortController() },
      ...{ outcomes: undefined, state: 'open', decidedAt: 0, retryAfterMs: 0 },
    };
    this.visits.push(visit);
    const asker = this.#askerOf(visit);
    const life = this.#lives[isolate];
    const holdings = this.#plans.map((plan) => permits.holdingOf(plan, plan.kind));
    const decide = (outcomes: readonly Outcome[]): void => {
      if (this.#lives[isolate] === life && visit.state === 'open') this.#decide(visit, permits, outcomes);
    };
    this.time.runFor(visit.name, () => {
      const outcomes = permits.use(asker, holdings, true);
      if (outcomes instanceof Promise) void outcomes.then(decide);
      else decide(outcomes);
    });
    await this.#settleDown();
    return visit;
  }

  /** Its client leaves. */
  async cancel(visit: Visit): Promise<void> {
    visit.controller.abort();
    await this.#settleDown();
    if (visit.state === 'open') visit.state = 'gone';
  }

  /** The runtime kills a request, with all that it was about to do. */
  kill(visit: Visit): void {
    this.time.drop(visit.name);
    this.asks = this.asks.filter(({ sender }) => sender !== visit.name);
    this.answers = this.answers.filter(({ sender }) => sender !== visit.name);
    this.returns = this.returns.filter(({ sender }) => sender !== visit.name);
    if (visit.state === 'open') visit.state = 'gone';
  }

  /** Whether a request waits for the answer to an ask of its own, or has more to do though it was decided. */
  isBusy({ name, state }: Visit): boolean {
    return state === 'open'
      ? [...this.asks, ...this.answers].some(({ sender }) => sender === name)
      : this.time.hasTimers(name);
  }

  /** What the answer to a request that passed tells of its cost. */
  async settle(visit: Visit, used: number): Promise<void> {
    const permits = this.#permits[visit.isolate];
    const { outcomes = [] } = visit;
    visit.outcomes = undefined;
    for (const outcome of outcomes) {
      this.time.runFor(visit.name, () => permits?.settle(this.#askerOf(visit), outcome, used));
      for (const { counter } of outcome.policies) if (used < this.cost) this.#unspend(counter, visit, used);
    }
    await this.#settleDown();
  }

  async deliverAsk(name: string): Promise<void> {
    const ask = this.asks.find((other) => other.name === name);
    if (ask === undefined) return;
    this.asks = this.asks.filter((other) => other !== ask);
    this.calls++;
    this.answers.push({ ...ask, hear: ask.arrive() });
  }

  async deliverAnswer(name: string): Promise<void> {
    const answer = this.answers.find((other) => other.name === name);
    this.answers = this.answers.filter((other) => other !== answer);
    answer?.hear();
    await this.#settleDown();
  }

  /** @param keep it arrives again later. */
  async deliverReturn(name: string, keep = false): Promise<void> {
    const message = this.returns.find((other) => other.name === name);
    if (!keep) this.returns = this.returns.filter((other) => other !== message);
    message?.arrive()();
    await this.#settleDown();
  }

  /** Eviction, redeploy or crash: all the same to what was not stored. */
  crash(limiter: Limiter): void {
    limiter.loads++;
    limiter.ledger = new Ledger(structuredClone(limiter.stored), loadOf(limiter));
  }

  /** An isolate is gone, with all that it held and all that waited there. */
  lose(isolate: number): void {
    this.#lives[isolate] = (this.#lives[isolate] ?? 0) + 1;
    this.#permits[isolate] = new Permits(this.#config);
    for (const visit of this.visits)
      if (visit.isolate === isolate && visit.state === 'open') visit.state = 'gone';
    this.answers = this.answers.filter((answer) => answer.isolate !== isolate);
  }

  /** Everything that is under way arrives: at once, unless somebody asks again and again, since each way takes time. */
  async deliverAll(): Promise<void> {
    for (let rounds = 0; this.asks.length + this.answers.length + this.returns.length > 0; rounds++) {
      if (rounds >= QUICK_ROUNDS) await this.time.pass(WAY_MS);
      for (const { name } of this.asks) await this.deliverAsk(name);
      for (const { name } of this.answers) await this.deliverAnswer(name);
      for (const { name } of this.returns) await this.deliverReturn(name);
    }
  }

  /** Every answer that is awaited comes and tells what was asked for. */
  async settleAll(): Promise<void> {
    for (const visit of this.visits) if (isToldLater(visit)) await this.settle(visit, this.cost);
    await this.deliverAll();
  }

  /** Time goes on until everybody has been decided and everything lent is back. */
  async finish(): Promise<void> {
    await this.deliverAll();
    await this.settleAll();
    for (const end = this.now + PATIENCE_MS; (this.time.next ?? end) < end; ) {
      await this.time.pass(Math.max(0, (this.time.next ?? end) - this.now));
      await this.deliverAll();
      await this.settleAll();
    }
  }

  /** One request all the way. */
  async send(isolate: number): Promise<Visit> {
    const visit = await this.request(isolate);
    await this.deliverAll();
    while (visit.state === 'open' && this.time.next !== undefined) {
      await this.time.pass(Math.max(0, this.time.next - this.now));
      await this.deliverAll();
    }
    return visit;
  }

  /** What the Limiter would say remains of a policy. */
  left(policy: Policy): number {
    const limiter = this.#limiterOf(policy);
    const clock = this.now + (limiter?.skew ?? 0);
    return limiter?.ledger.look(clock, [policy]).policies[0]?.decision.remaining ?? policy.quota;
  }

  /** What the Limiter takes to be lent of a policy. */
  lent(policy: Policy): number {
    return this.#limiterOf(policy)?.ledger.lent(this.now, policy) ?? 0;
  }

  end(): void {
    this.time.end();
  }

  /** Everything happens that is due now. */
  #settleDown(): Promise<void> {
    return this.time.pass(0);
  }

  #limiterOf({ counter }: Policy): Limiter | undefined {
    return this.limiters.find(({ ledger }) => ledger.policies.some((policy) => policy.counter === counter));
  }

  #decide(visit: Visit, permits: Permits, outcomes: readonly Outcome[]): void {
    const refusing = outcomes.filter(isRefusing);
    visit.decidedAt = this.now;
    if (refusing.length > 0) {
      for (const outcome of outcomes) permits.undo(this.#askerOf(visit), outcome);
      const waits = refusing.flatMap(({ decisions, decidedAt }) =>
        decisions.map(({ retryAfterMs }) => retryAfterMs - (this.now - decidedAt)),
      );
      visit.retryAfterMs = Math.max(...waits);
      const isFailed = refusing.some(({ error }) => error !== undefined);
      visit.state = visit.controller.signal.aborted ? 'gone' : isFailed ? 'failed' : 'denied';
      return;
    }
    visit.state = 'passed';
    visit.outcomes = outcomes;
    for (const outcome of outcomes)
      for (const policy of outcome.policies)
        this.#use(policy.counter, {
          ...{ at: this.#usedAt(outcome), permits: costUnder(policy, this.cost) },
          ...{ isDebt: false, by: visit.name },
        });
  }

  /** A permit by itself was decided by the Limiter, one of a lease by the isolate while that lives. */
  #usedAt({ grant }: Outcome): number {
    if (grant === undefined || grant.taken !== undefined) return this.now;
    return grant.leased && this.now < grant.expires
      ? this.now
      : (this.#grantedAt.get(grant.name) ?? this.now);
  }

  #use(counter: string, use: Use): void {
    this.uses.set(counter, [...(this.uses.get(counter) ?? []), use]);
  }

  /** It was no use, or less of one, after all. */
  #unspend(counter: string, { name }: Visit, permits: number): void {
    const uses = this.uses.get(counter) ?? [];
    this.uses.set(
      counter,
      uses.map((use) => (use.by === name ? { ...use, permits } : use)),
    );
  }

  #askerOf({ isolate, controller }: Visit) {
    return {
      env: this.#envOf(isolate),
      identity: undefined,
      signal: controller.signal,
      waitUntil: (work: Promise<unknown>) => void work,
    };
  }

  #envOf(isolate: number): Bindings {
    const life = this.#lives[isolate];
    const isAlive = () => this.#lives[isolate] === life;
    const never = new Promise<never>(() => {});
    const stubOf = (limiter: Limiter) => ({
      consume: (ask: Ask) => (isAlive() ? this.#ask(isolate, limiter, structuredClone(ask)) : never),
      giveBack: (unused: Return) =>
        isAlive()
          ? this.#tell(isolate, limiter, () => limiter.ledger.giveBack(this.#clock(limiter), unused))
          : never,
      settle: (settlement: Settlement) =>
        isAlive() ? this.#tell(isolate, limiter, this.#settling(limiter, settlement)) : never,
    });
    return bindingsOf((name) => stubOf(this.#limiterNamed(name)));
  }

  #limiterNamed(name: string): Limiter {
    const known = this.#limiters.get(name);
    if (known !== undefined) return known;
    const fresh = { name, ledger: new Ledger(undefined, `${name}-0`), stored: undefined, loads: 0, skew: 0 };
    this.#limiters.set(name, fresh);
    return fresh;
  }

  #clock({ skew }: Limiter): number {
    return Math.floor(this.now + skew);
  }

  /** What is written is durable before the answer leaves. */
  #ask(isolate: number, limiter: Limiter, ask: Ask): Promise<Reply> {
    return new Promise((resolve) => {
      const arrive = () => {
        const { reply, write } = limiter.ledger.consume(this.#clock(limiter), ask);
        if (write !== undefined) limiter.stored = structuredClone(write);
        if (reply.grant !== '') this.#grantedAt.set(reply.grant, this.now);
        if (reply.granted > (ask.waiting ?? 1)) this.#noteLent(isolate, ask);
        return () => resolve(structuredClone(reply));
      };
      this.asks.push(this.#messageOf(isolate, limiter, arrive));
    });
  }

  #tell(isolate: number, limiter: Limiter, deed: () => void): Promise<void> {
    return new Promise((resolve) => {
      const arrive = () => {
        deed();
        return resolve;
      };
      this.returns.push(this.#messageOf(isolate, limiter, arrive));
    });
  }

  #settling(limiter: Limiter, settlement: Settlement): () => void {
    let isFirst = true;
    return () => {
      const { write } = limiter.ledger.settle(this.#clock(limiter), settlement);
      if (write !== undefined) limiter.stored = structuredClone(write);
      const { used, policies = [] } = settlement;
      for (const { counter } of isFirst && used > this.cost ? policies : [])
        this.#use(counter, { at: this.now, permits: used - this.cost, isDebt: true, by: '' });
      isFirst = false;
    };
  }

  #messageOf(isolate: number, { name: limiter }: Limiter, arrive: Message['arrive']): Message {
    const count = (this.#sent[isolate] ?? 0) + 1;
    this.#sent[isolate] = count;
    return { name: `${isolate}.${count}`, isolate, limiter, sender: this.time.owner, arrive };
  }

  /** Those that waited count as lent too while another partition decides. */
  #noteLent(isolate: number, { policies, cost, waiting = 1, undecidedMs }: Ask): void {
    const since = this.visits.find((visit) => visit.isolate === isolate)?.cameAt ?? this.now;
    this.soonestLent = Math.min(this.soonestLent, this.now - since);
    for (const policy of policies) {
      const served = undecidedMs === undefined ? 0 : costUnder(policy, cost) * waiting;
      const lent = this.lent(policy) - served;
      this.mostLent = Math.max(this.mostLent, lent / Math.max(1, this.left(policy)));
    }
  }
}

/** Whether what it cost is still to be told. */
export const isToldLater = ({ outcomes = [] }: Visit): boolean =>
  outcomes.some(({ holding }) => holding.plan.holdMs !== undefined);

/** A request that costs more than a quota costs the quota. */
export const costUnder = ({ quota }: Policy, cost: number): number => Math.min(cost, quota);

const loadOf = ({ name, loads }: Limiter): string => `${name}-${loads}`;
