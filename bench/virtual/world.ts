// Isolates in data centres and Limiters among them under virtual time: the Worker's own limit step, permits, slots and Limiters.
// The network between them, the origin, mishaps and the clock are made up.
import { Hono } from 'hono';
import type { Bindings } from '../../src/bindings.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/types.ts';
import { Exchange } from '../../src/exchange.ts';
import type { Identity } from '../../src/identity.ts';
import { limit } from '../../src/middleware/limit.ts';
import type { WeirEnv } from '../../src/middleware/step.ts';
import { subjectPartition } from '../../src/partition.ts';
import type { VirtualTime } from '../../test/unit/isolates/virtual-time.ts';
import { type Done, VirtualLimiter } from './limiter.ts';

/** A request: who sends it where, and how the origin will answer it. */
export interface Visit {
  readonly isolate: number;
  readonly subject: string;
  /** Claims that limits may count by. */
  readonly claims?: Readonly<Record<string, string>>;
  /** How long the origin takes, milliseconds. */
  readonly takesMs: number;
  readonly status: number;
  /** What the origin's `Cost` field says. Absent: it sends none. */
  readonly cost?: number;
  /** Its client leaves after so long, milliseconds. Absent: it does not. */
  readonly leavesAfterMs?: number | undefined;
  /** The origin does not answer: the status is that of Weir's own answer. */
  readonly unreachable?: boolean;
}

/** What became of a request; times are milliseconds since the epoch. */
export interface Answer {
  readonly visit: Visit;
  readonly cameAt: number;
  /** When the origin got it; undefined where it was refused. */
  passedAt: number | undefined;
  /** When the origin had answered or, with its isolate, was lost; undefined before. */
  endedAt: number | undefined;
  /** Its isolate was lost while it was in flight. */
  lost: boolean;
  /** Its client left before the answer. */
  left: boolean;
  response: Response | undefined;
}

export interface Setup {
  readonly config: Config;
  readonly isolates: number;
  /** Between an isolate and a data centre of Limiters and back, milliseconds. */
  readonly roundTripMs: (isolate: number, colo: number) => number;
  /** The data centre of an isolate. */
  readonly coloOf: (isolate: number) => number;
  /** Added to every way, milliseconds. */
  readonly jitterMs?: () => number;
}

/** What making a write durable takes, milliseconds. */
const WRITE_MS = 8;

/** What nobody reads. */
const CLIENT_LEFT = 499;

/** The response field that tells what a request cost, where a route reads one. */
export const COST_FIELD = 'Cost';

interface Isolate {
  readonly app: Hono<WeirEnv>;
  readonly env: Bindings;
  /** Requests that are being decided or answered. */
  readonly open: Map<string, Open>;
  alive: boolean;
}

interface Open {
  readonly answer: Answer;
  /** Its client learns nothing more. */
  readonly drop: () => void;
}

export class World {
  readonly answers: Answer[] = [];
  calls = 0;
  readonly #time: VirtualTime;
  readonly #setup: Setup;
  readonly #isolates: Isolate[];
  readonly #limiters = new Map<string, VirtualLimiter>();
  #count = 0;
  /** Until then no Limiter can be reached. */
  #silentUntil = 0;

  constructor(time: VirtualTime, setup: Setup) {
    this.#time = time;
    this.#setup = setup;
    this.#isolates = Array.from({ length: setup.isolates }, (_, i) => this.#newIsolate(i));
  }

  get rows(): number {
    return [...this.#limiters.values()].reduce((sum, { rows }) => sum + rows, 0);
  }

  /** One request, until its answer or until its isolate is lost. */
  async send(visit: Visit): Promise<Answer> {
    const isolate = this.#isolate(visit.isolate);
    const name = String(this.#count++);
    const cameAt = this.#time.now;
    const answer: Answer = {
      ...{ visit, cameAt, passedAt: undefined, endedAt: undefined, lost: false, left: false },
      response: undefined,
    };
    this.answers.push(answer);
    const { promise: dropped, resolve: drop } = Promise.withResolvers<undefined>();
    isolate.open.set(name, { answer, drop: () => drop(undefined) });
    const context = {
      waitUntil: (work: Promise<unknown>) => void work,
      passThroughOnException() {},
      props: {},
    };
    const client = new AbortController();
    const request = new Request(`https://api.test/${name}`, { method: 'HEAD', signal: client.signal });
    const { leavesAfterMs } = visit;
    const leaving = leavesAfterMs === undefined ? undefined : setTimeout(() => client.abort(), leavesAfterMs);
    answer.response = await Promise.race([
      isolate.app.fetch(request, isolate.env, context as unknown as ExecutionContext),
      dropped,
    ]);
    clearTimeout(leaving ?? null);
    isolate.open.delete(name);
    return answer;
  }

  /** The isolate is evicted with all it held, and its requests are broken off; another takes its place. */
  loseIsolate(at: number): void {
    const index = at % this.#isolates.length;
    const isolate = this.#isolate(at);
    isolate.alive = false;
    for (const { answer, drop } of isolate.open.values()) {
      answer.endedAt = this.#time.now;
      answer.lost = true;
      drop();
    }
    this.#isolates[index] = this.#newIsolate(index);
  }

  /** A Limiter loses its memory. */
  crashLimiter(at: number): void {
    const limiters = [...this.#limiters.values()];
    limiters[at % Math.max(1, limiters.length)]?.crash();
  }

  /** Calls of Limiters fail for so long, those that are under way too. */
  silence(ms: number): void {
    this.#silentUntil = this.#time.now + ms;
  }

  /** A new version of the Worker: everybody's memory is gone. */
  deploy(): void {
    for (const at of this.#isolates.keys()) this.loseIsolate(at);
    for (const limiter of this.#limiters.values()) limiter.crash();
  }

  #newIsolate(at: number): Isolate {
    const { config } = this.#setup;
    const app = new Hono<WeirEnv>();
    const isolate: Isolate = { app, env: this.#envOf(at, () => isolate.alive), open: new Map(), alive: true };
    const openOf = (path: string) => isolate.open.get(path.slice(1));
    app.use(async (c, next) => {
      const exchange = new Exchange(c.req.raw, c.env, c.executionCtx, config.defaultRoute);
      exchange.route = config.routes[0] ?? config.defaultRoute;
      const visit = openOf(c.req.path)?.answer.visit;
      exchange.identity = visit && identityOf(visit);
      c.set('exchange', exchange);
      await next();
    });
    app.use(limit(config));
    app.all('*', async (c) => {
      const answer = openOf(c.req.path)?.answer;
      if (answer === undefined) return forever();
      const exchange = c.get('exchange');
      if (answer.visit.unreachable) exchange.trace.outcome = 'origin_error';
      return this.#origin(answer, isolate, exchange.signal);
    });
    return isolate;
  }

  async #origin(answer: Answer, isolate: Isolate, signal: AbortSignal): Promise<Response> {
    const { takesMs, status, cost } = answer.visit;
    answer.passedAt = this.#time.now;
    await Promise.race([this.#time.wait(takesMs), abortOf(signal)]);
    if (!isolate.alive) return forever();
    answer.endedAt = this.#time.now;
    answer.left = signal.aborted;
    if (signal.aborted) return new Response(null, { status: CLIENT_LEFT });
    return new Response(null, { status, headers: cost === undefined ? {} : { [COST_FIELD]: String(cost) } });
  }

  /** @param isAlive whether the isolate still is: else nothing that it sends sets out, and nothing reaches it. */
  #envOf(at: number, isAlive: () => boolean): Bindings {
    const colo = this.#setup.coloOf(at);
    const call = async <T>(limiter: VirtualLimiter, deed: () => Done<T> | Promise<Done<T>>): Promise<T> => {
      if (!isAlive()) return forever();
      await this.#travel(at, limiter);
      if (this.#time.now < this.#silentUntil) throw new Error('the network is down');
      this.calls++;
      const { answer, written } = await deed();
      await this.#travel(at, limiter, written ? WRITE_MS : 0);
      return isAlive() ? answer : forever();
    };
    const stubOf = (limiter: VirtualLimiter) => ({
      consume: (ask: Parameters<VirtualLimiter['consume']>[0]) => call(limiter, () => limiter.consume(ask)),
      settle: (told: Parameters<VirtualLimiter['settle']>[0]) => call(limiter, () => limiter.settle(told)),
      giveBack: (back: Parameters<VirtualLimiter['giveBack']>[0]) =>
        call(limiter, () => limiter.giveBack(back)),
      takeSlots: (ask: Parameters<VirtualLimiter['takeSlots']>[0]) =>
        call(limiter, () => limiter.takeSlots(ask)),
      noteSlots: (note: Parameters<VirtualLimiter['noteSlots']>[0]) =>
        call(limiter, () => limiter.noteSlots(note)),
    });
    const get = (name: string) => stubOf(this.#limiter(name, colo));
    return { LIMITER: { idFromName: (name: string) => name, get } } as unknown as Bindings;
  }

  #travel(isolate: number, { colo }: VirtualLimiter, extraMs = 0): Promise<void> {
    const { roundTripMs, jitterMs } = this.#setup;
    return this.#time.wait(roundTripMs(isolate, colo) / 2 + (jitterMs?.() ?? 0) + extraMs);
  }

  #limiter(name: string, colo: number): VirtualLimiter {
    const known = this.#limiters.get(name) ?? new VirtualLimiter(colo);
    this.#limiters.set(name, known);
    return known;
  }

  #isolate(at: number): Isolate {
    const isolate = this.#isolates[at % this.#isolates.length];
    if (isolate === undefined) throw new Error('a world has at least one isolate');
    return isolate;
  }
}

/** As the Worker reads its vars: `LIMITS`, and one route for all paths. */
export const configOf = (
  limits: string,
  route: Readonly<Record<string, unknown>> = {},
  leases = true,
): Config =>
  parseConfig(
    {
      LIMITS: limits,
      LEASES: leases ? 'on' : 'off',
      ROUTES: JSON.stringify([{ name: 'all', match: '/*', ...route }]),
    },
    { tokens: false },
  );

const abortOf = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });

const forever = <T>(): Promise<T> => new Promise(() => {});

const identityOf = ({ subject, claims = {} }: Visit): Identity => ({
  ...{ issuer: 'https://issuer.test', subject, tier: undefined, scopes: new Set(), headers: [] },
  ...{ exp: Number.POSITIVE_INFINITY, iat: undefined, jti: undefined },
  keyValues: new Map(Object.entries(claims)),
  partition: subjectPartition('https://issuer.test', subject),
});
