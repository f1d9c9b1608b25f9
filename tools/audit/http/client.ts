// Sends one request exactly as written (path spelling, repeated headers) to the one host, within the budget.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Stopped, stopReason } from '../stop.ts';
import type { Budget } from './budget.ts';
import type { Target } from './target.ts';

export type Header = readonly [name: string, value: string];

/** A request. What is left out is a plain GET of the address under audit. */
export interface Call {
  readonly method?: string;
  /** The request target, sent as it stands. */
  readonly path?: string;
  readonly headers?: readonly Header[];
  readonly body?: string;
  /** `timed`: the one connection that is kept for measuring time. `fresh`: one of its own. Else any that is kept. */
  readonly connection?: 'timed' | 'fresh';
}

export interface Exchange {
  readonly status: number;
  readonly headers: readonly Header[];
  /** The first 64 KiB. */
  readonly body: string;
  /** Milliseconds from sending to the head of the response, connecting not included. */
  readonly ms: number;
  /** `performance.now()` when the head came. */
  readonly at: number;
  /** Denied by a limit that answers with another status than 429; see `Client.denialStatus`. */
  readonly limited?: boolean;
}

const TIMEOUT_MS = 10_000;
const MAX_BODY = 64 * 1024;
const RECENT = 10;
const STORM = 8;
const UNREACHABLE = 5;

/** A kept connection that the server closed just as it was used again: worth one more try. */
class StaleConnection extends Error {}

/** The value of a response header; several are joined as RFC 9110 section 5.3 says. */
export const header = (exchange: Exchange, name: string): string | undefined => {
  const values = exchange.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
};

/** Connections to one target. Stops the audit on a storm of server errors. */
export class Client {
  readonly target: Target;
  readonly budget: Budget;
  readonly #signal: AbortSignal;
  readonly #agent: HttpAgent;
  readonly #timed: HttpAgent;
  readonly #fresh: HttpAgent;
  /** What the API ought to answer well, asked where it seems to break down. */
  readonly #good: Call;
  #inquiry: Promise<void> | undefined;
  /** Responses of 2xx so far, whoever asked. */
  admitted = 0;
  /** A status other than 429 by which the API denies whoever is over a limit; undefined until it has been seen to. */
  denialStatus: number | undefined;
  #recent: number[] = [];
  #unreachable = 0;

  constructor(target: Target, budget: Budget, signal: AbortSignal, good: Call = {}) {
    this.target = target;
    this.#good = good;
    this.budget = budget;
    this.#signal = signal;
    const Agent = target.secure ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64 });
    this.#timed = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#fresh = new Agent({ keepAlive: false });
  }

  async send(call: Call = {}): Promise<Exchange> {
    await this.budget.take();
    return this.#exchange(call);
  }

  /** All at once. At most `rate` calls. */
  async burst(calls: readonly Call[]): Promise<Exchange[]> {
    await this.budget.take(calls.length);
    return Promise.all(calls.map((call) => this.#exchange(call)));
  }

  /** One after another without pauses, their permission taken beforehand. At most `rate` calls. */
  async sprint(calls: readonly Call[], then: readonly Call[] = []): Promise<[Exchange[], Exchange[]]> {
    await this.budget.take(calls.length + then.length);
    const first: Exchange[] = [];
    for (const call of calls) first.push(await this.#exchange(call));
    return [first, await Promise.all(then.map((call) => this.#exchange(call)))];
  }

  /** For those who open connections of their own: counts what they saw. */
  observe(status: number): void {
    this.#unreachable = 0;
    if (status >= 200 && status < 300) this.admitted++;
    this.#recent = [...this.#recent, status].slice(-RECENT);
  }

  close(): void {
    this.#agent.destroy();
    this.#timed.destroy();
    this.#fresh.destroy();
  }

  async #exchange(call: Call): Promise<Exchange> {
    if (this.#signal.aborted) throw stopReason(this.#signal);
    const exchange = await this.#answered(call);
    this.observe(exchange.status);
    await this.#weather();
    return exchange.status === this.denialStatus ? { ...exchange, limited: true } : exchange;
  }

  #isError(status: number): boolean {
    return status >= 500 && status !== this.denialStatus;
  }

  /** Bad tokens may break the API one by one. Where the good one breaks it, too, the audit must not go on. */
  #weather(): Promise<void> {
    const errors = this.#recent.filter((code) => this.#isError(code)).length;
    if (errors >= STORM) this.#inquiry ??= this.#inquire().finally(() => (this.#inquiry = undefined));
    return this.#inquiry ?? Promise.resolve();
  }

  async #inquire(): Promise<void> {
    await this.budget.take();
    const { status } = await this.#answered(this.#good);
    if (status >= 200 && status < 300) this.admitted++;
    if (this.#isError(status))
      throw new Stopped(`${STORM} of the last ${RECENT} responses were server errors`);
    this.#recent = [];
  }

  /** A connection that the server closed meanwhile is tried again as a new one. */
  #answered(call: Call): Promise<Exchange> {
    return this.#request(call)
      .catch((cause: Error) =>
        cause instanceof StaleConnection
          ? this.#request({ ...call, connection: 'fresh' })
          : Promise.reject(cause),
      )
      .catch((cause: Error) => this.#missed(cause));
  }

  #missed(cause: Error): never {
    if (this.#signal.aborted) throw stopReason(this.#signal);
    this.#unreachable++;
    if (this.#unreachable >= UNREACHABLE) throw new Stopped(`the host does not answer (${cause.message})`);
    throw cause;
  }

  #agentOf({ connection }: Call): HttpAgent {
    if (connection === 'timed') return this.#timed;
    return connection === 'fresh' ? this.#fresh : this.#agent;
  }

  #request(call: Call): Promise<Exchange> {
    const { target } = this;
    const request = (target.secure ? httpsRequest : httpRequest)({
      host: target.address,
      port: target.port,
      servername: target.url.hostname,
      method: call.method ?? 'GET',
      path: call.path ?? target.path,
      headers: headerList(target, call).flat(),
      agent: this.#agentOf(call),
      signal: this.#signal,
      timeout: TIMEOUT_MS,
    });
    return new Promise((resolve, reject) => {
      let start = performance.now();
      request.on('socket', (socket: Socket) => {
        if (!socket.connecting) start = performance.now();
        else socket.once(target.secure ? 'secureConnect' : 'connect', () => (start = performance.now()));
      });
      request.on('response', (response) => resolve(collect(response, start)));
      request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on('error', (cause) =>
        reject(request.reusedSocket ? new StaleConnection(cause.message) : cause),
      );
      request.end(call.body);
    });
  }
}

/** Node adds nothing to headers that are given as a list, so that ours go out as they are. */
export const headerList = (target: Target, call: Call): Header[] => [
  ['Host', target.url.host],
  ['User-Agent', 'weir-audit'],
  ['Accept', '*/*'],
  ...(call.headers ?? []),
  ...(call.body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(call.body))] as const]),
];

const collect = async (response: IncomingMessage, start: number): Promise<Exchange> => {
  const at = performance.now();
  const headers = pairs(response.rawHeaders);
  return { status: response.statusCode ?? 0, headers, body: await text(response), ms: at - start, at };
};

const text = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, Math.max(0, MAX_BODY - size)));
    size += chunk.length;
    if (size >= MAX_BODY) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

const pairs = (raw: readonly string[]): Header[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : []));
