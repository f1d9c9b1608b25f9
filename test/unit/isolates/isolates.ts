// Isolates and one Limiter under virtual time: the Worker's own permits, asks and ledger; only the network between them and
// the clock are made up.
import type { Bindings } from '../../../src/bindings.ts';
import type { Config } from '../../../src/config/types.ts';
import { Ledger } from '../../../src/limiter/ledger.ts';
import type { Ask, Return } from '../../../src/limiter/messages.ts';
import type { Stored } from '../../../src/limiter/stored.ts';
import { isRefusing, remaining } from '../../../src/quota/outcome.ts';
import { Permits } from '../../../src/quota/permits.ts';
import { chargesOf } from '../../../src/quota/plan.ts';
import { configWith, limitsOf, route } from '../../fixtures/config.ts';
import { bindingsOf } from './bindings.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Answer {
  readonly cameAt: number;
  readonly decidedAt: number;
  readonly passed: boolean;
  /** Of the policy with the fewest left, as the fields say. */
  readonly remaining: number;
  /** `Retry-After`, milliseconds. */
  readonly retryAfterMs: number;
}

export interface Setup {
  readonly limits: string;
  readonly algorithm?: Config['algorithm'];
  /** One way to the Limiter, milliseconds, by isolate. */
  readonly delays: readonly number[];
  readonly leases?: Config['leases'];
  /** What making a write durable takes, milliseconds. */
  readonly writeMs?: number;
}

/** One caller's requests at several isolates. */
export class Isolates {
  calls = 0;
  rows = 0;
  readonly answers: Answer[] = [];
  readonly #time: VirtualTime;
  readonly #setup: Setup;
  readonly #permits: Permits[];
  readonly #plans: ReturnType<ReturnType<typeof chargesOf>>['enforced'];
  #stored: Stored | undefined;
  #loads = 0;
  #ledger = new Ledger(undefined, '0');

  constructor(time: VirtualTime, setup: Setup) {
    this.#time = time;
    this.#setup = setup;
    const { limits, algorithm = 'sliding-window', leases = 'on', delays } = setup;
    const policies = limitsOf(limits, 'default', 'enforce', algorithm);
    const config = configWith(
      {},
      {
        leases,
        algorithm,
        limiterTimeoutMs: 30_000,
        policies: {
          default: policies,
          tiers: new Map(),
          anonymous: policies,
          preflight: [],
          ip: [],
          global: [],
        },
      },
    );
    this.#plans = chargesOf(config)(route, 'anonymous').enforced;
    this.#permits = delays.map(() => new Permits(config));
  }

  /** One request, decided as the Worker does. */
  async send(isolate: number): Promise<Answer> {
    const permits = this.#permits[isolate % this.#permits.length];
    if (permits === undefined) throw new Error('there is at least one isolate');
    const cameAt = this.#time.now;
    const asker = {
      env: this.#env(isolate % this.#permits.length),
      identity: undefined,
      signal: new AbortController().signal,
      waitUntil: (work: Promise<unknown>) => void work,
    };
    const outcomes = await permits.use(
      asker,
      this.#plans.map((plan) => permits.holdingOf(plan, 'somebody')),
      true,
    );
    const passed = !outcomes.some(isRefusing);
    const decidedAt = this.#time.now;
    const left = outcomes.flatMap((outcome) => outcome.decisions.map((_, i) => remaining(outcome, i)));
    const waits = outcomes.flatMap((outcome) =>
      outcome.decisions.map(({ retryAfterMs }) => retryAfterMs - (decidedAt - outcome.decidedAt)),
    );
    const answer = {
      cameAt,
      decidedAt,
      passed,
      remaining: Math.min(...left),
      retryAfterMs: Math.max(...waits),
    };
    this.answers.push(answer);
    return answer;
  }

  /** The object is evicted, or crashes. */
  crash(): void {
    this.#ledger = new Ledger(structuredClone(this.#stored), String(++this.#loads));
  }

  #env(isolate: number): Bindings {
    const oneWay = this.#setup.delays[isolate] ?? 0;
    const travel = async <T>(deed: () => { answer: T; write?: Stored | undefined }): Promise<T> => {
      await this.#time.wait(oneWay);
      this.calls++;
      const { answer, write } = deed();
      if (write !== undefined) {
        this.rows++;
        this.#stored = structuredClone(write);
      }
      await this.#time.wait(oneWay + (write === undefined ? 0 : (this.#setup.writeMs ?? 0)));
      return answer;
    };
    const clock = () => Math.floor(this.#time.now);
    const stub = {
      consume: (ask: Ask) =>
        travel(() => {
          const { reply, write } = this.#ledger.consume(clock(), structuredClone(ask));
          return { answer: structuredClone(reply), write };
        }),
      giveBack: (unused: Return) =>
        travel(() => {
          this.#ledger.giveBack(clock(), structuredClone(unused));
          return { answer: undefined };
        }),
    };
    return bindingsOf(() => stub);
  }
}
