// The isolate's end of the line to the Limiters: one RPC, with a time limit, and a pause for those that keep failing.
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { inJurisdiction } from '../lib/durable-object.ts';
import { withTimeLimit } from '../lib/time-limit.ts';
import type { Limiter } from '../limiter/limiter.ts';
import type { Ask, Reply, Return, Settlement } from '../limiter/messages.ts';
import { limiterName } from '../partition.ts';
import { LIMITER_RETRY_MS, LimiterError } from './limiter-error.ts';

/** Names and failures remembered, each. */
const CAPACITY = 10_000;

/** A Limiter that failed so many times in a row is left alone for a while. */
const FAILURES = 3;
const LONGEST_PAUSE_MS = 30_000;

/** How long is waited before each try to settle. */
const SETTLE_PAUSES_MS = [0, 250, 1_000];

interface Failures {
  count: number;
  pausedUntil: number;
}

export class LimiterClient {
  readonly #timeoutMs: number;
  readonly #jurisdiction: Config['limiterJurisdiction'];
  /** Heeded by the platform where the object does not exist yet. */
  readonly #placement: DurableObjectNamespaceGetDurableObjectOptions | undefined;
  readonly #names = new BoundedMap<string, string>(CAPACITY);
  readonly #failures = new BoundedMap<string, Failures>(CAPACITY);

  constructor(config: Config) {
    this.#timeoutMs = config.limiterTimeoutMs;
    this.#jurisdiction = config.limiterJurisdiction;
    this.#placement = config.limiterLocation && { locationHint: config.limiterLocation };
  }

  /**
   * Asks once: a Limiter that is overloaded is not helped by asking again. What it grants too late goes back, in
   * `background`.
   * @throws {LimiterError} when there is no answer in time.
   */
  async consume(
    env: Bindings,
    partition: string,
    ask: Ask,
    background: (work: Promise<void>) => void = () => {},
  ): Promise<Reply> {
    let answer: Promise<Reply> | undefined;
    try {
      return await this.call(env, partition, (limiter) => {
        answer = limiter.consume(ask);
        return answer;
      });
    } catch (error) {
      if (answer !== undefined) background(this.#giveBackLate(env, partition, answer));
      throw error;
    }
  }

  async #giveBackLate(env: Bindings, partition: string, answer: Promise<Reply>): Promise<void> {
    const late = await answer.catch(() => undefined);
    if (late === undefined || late.grant === '') return;
    const { version, grant, granted } = late;
    await this.giveBack(env, partition, { version, grant, unused: granted });
  }

  /**
   * @param waitMs how long the Limiter itself may take on purpose, on top of its time limit.
   * @throws {LimiterError} when there is no answer in time.
   */
  async call<T>(
    env: Bindings,
    partition: string,
    ask: (limiter: DurableObjectStub<Limiter>) => Promise<T>,
    waitMs = 0,
  ): Promise<T> {
    if ((this.#failures.get(partition)?.pausedUntil ?? 0) > Date.now())
      throw new LimiterError('limiter_paused');
    try {
      const limiter = await this.#limiter(env, partition);
      const reply = await withTimeLimit(ask(limiter), this.#timeoutMs + waitMs, timedOut);
      this.#failures.delete(partition);
      return reply;
    } catch (error) {
      this.#countFailure(partition);
      throw error instanceof LimiterError ? error : new LimiterError(reasonOf(error), error);
    }
  }

  /** Learns the name of a partition's Limiter from whoever knows no more of the partition. */
  know(partition: string, limiter: string): void {
    this.#names.set(partition, limiter);
  }

  /** Tried again, since it may tell of a debt, and a Limiter books each once. */
  async settle(env: Bindings, partition: string, settlement: Settlement): Promise<void> {
    for (const pauseMs of SETTLE_PAUSES_MS) {
      await scheduler.wait(pauseMs);
      const limiter = await this.#limiter(env, partition);
      const isDone = await limiter.settle(settlement).then(
        () => true,
        () => false,
      );
      // The next ask reports a broken Limiter.
      if (isDone) return;
    }
  }

  /** Never retried: a return that arrives twice, or not at all, must not loosen a limit. */
  async giveBack(env: Bindings, partition: string, unused: Return): Promise<void> {
    const limiter = await this.#limiter(env, partition);
    await limiter.giveBack(unused).catch(() => {
      // What could not be returned stays spent, which is the strict side; the next ask reports a broken Limiter.
    });
  }

  async #limiter(env: Bindings, partition: string): Promise<DurableObjectStub<Limiter>> {
    const name = this.#names.get(partition) ?? (await limiterName(partition));
    this.#names.set(partition, name);
    const namespace = inJurisdiction(env.LIMITER, this.#jurisdiction);
    return namespace.get(namespace.idFromName(name), this.#placement);
  }

  #countFailure(partition: string): void {
    const count = (this.#failures.get(partition)?.count ?? 0) + 1;
    const pause =
      count < FAILURES ? 0 : Math.min(LONGEST_PAUSE_MS, LIMITER_RETRY_MS * 2 ** (count - FAILURES));
    this.#failures.set(partition, { count, pausedUntil: Date.now() + pause });
  }
}

const timedOut = (): LimiterError => new LimiterError('limiter_timeout');

const reasonOf = (error: unknown): LimiterError['reason'] =>
  error instanceof Error && 'overloaded' in error ? 'limiter_overloaded' : 'limiter_failed';
