// What every check works with: the client, the callers, and what was learnt so far.
import type { KeyObject } from 'node:crypto';
import { type Declared, resetSeconds } from './declared.ts';
import { retryAfterSeconds } from './fields.ts';
import type { Call, Client, Exchange, Header } from './http/client.ts';
import { Inconclusive, pause } from './stop.ts';
import { type Jwt, readJwt } from './tokens/jwt.ts';
import type { SigningKey } from './tokens/keys.ts';
import { mint } from './tokens/mint.ts';

export interface Credentials {
  /** Accepted by the API; its subject's quota is spent. */
  readonly token: string;
  /** Another token of the same subject. */
  readonly secondToken?: string | undefined;
  /** A token of another subject. */
  readonly otherToken?: string | undefined;
  readonly publicKeys: readonly KeyObject[];
  readonly signingKey?: SigningKey | undefined;
  /** Sent as `Origin` to see whether a browser could read the answers. */
  readonly origin: string;
}

/** Somebody with a token; those of one subject share an account. */
export interface Caller {
  readonly token: string;
  readonly account: Account;
}

/** What is known of a quota; `performance.now()`. */
export interface Account {
  lastAdmitted: number | undefined;
  /** When it is whole or in part there again, as its last denial said. */
  deniedUntil: number | undefined;
}

/** Longest wait for a limit to renew. */
export const MAX_WAIT_MS = 65_000;
/** Longest wait for an API that limits refused tokens. */
const MAX_REFUSAL_WAIT_SECONDS = 5;
const REFUSAL_TRIES = 3;

export const isAdmitted = (exchange: Exchange): boolean => exchange.status >= 200 && exchange.status < 300;
/** Neither admitted nor refused: the API failed. */
export const isBroken = (exchange: Exchange): boolean => exchange.status >= 500;
export const isLimited = (exchange: Exchange): boolean => exchange.status === 429;
export const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`];
export const callerOf = (token: string): Caller => ({
  token,
  account: { lastAdmitted: undefined, deniedUntil: undefined },
});

export class Audit {
  readonly client: Client;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly main: Caller;
  /** The main token's parts; undefined for an opaque one. */
  readonly jwt: Jwt | undefined;
  /** Whether a request without a token is refused. */
  isProtected = true;
  /** Whether another subject has a quota of its own; undefined until a check has shown it. */
  perSubject: boolean | undefined;
  /** Whether several counters hold the quota, one in each worker; false until that has been seen. */
  hasSeveralCounters = false;
  /** The first good answer. */
  welcome: Exchange | undefined;
  /** Whole JWTs, one in a request, that were answered with a server error. */
  readonly broken: { readonly what: string; readonly status: number }[] = [];
  readonly #memo = new Map<string, Promise<unknown>>();
  readonly #closers: (() => void)[] = [];

  /** The limits that `--expect` names; empty: those that the API declares. */
  readonly expected: readonly Declared[];

  constructor(
    client: Client,
    credentials: Credentials,
    signal: AbortSignal,
    expected: readonly Declared[] = [],
  ) {
    this.expected = expected;
    this.client = client;
    this.credentials = credentials;
    this.signal = signal;
    this.main = callerOf(credentials.token);
    this.jwt = readJwt(credentials.token);
  }

  /** Runs `work` once for the whole audit. */
  once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#memo.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const fresh = work();
    this.#memo.set(key, fresh);
    return fresh;
  }

  /** `close` runs when the audit ends. */
  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  close(): void {
    for (const close of this.#closers) close();
    this.client.close();
  }

  pause(ms: number): Promise<void> {
    return pause(ms, this.signal);
  }

  /** A request in the caller's name. */
  async get(caller: Caller, call: Call = {}): Promise<Exchange> {
    return this.note(caller, await this.client.send(authorised(caller, call)));
  }

  /** As `get`, but waits while a limit stands in the way; for requests that ask about something else. */
  async getPatiently(caller: Caller, call: Call = {}): Promise<Exchange> {
    return this.note(caller, await this.patiently(authorised(caller, call)));
  }

  /** Sends something that ought to be refused. An API that limits such requests is waited for, within bounds. */
  async attempt(call: Call): Promise<Exchange> {
    const exchange = await this.patiently(call);
    if (!isLimited(exchange)) return exchange;
    throw new Inconclusive(
      'the API answers refused tokens with 429 by now; wait, or raise that limit for the audit',
    );
  }

  note(caller: Caller, exchange: Exchange): Exchange {
    const { account } = caller;
    if (isAdmitted(exchange)) account.lastAdmitted = exchange.at;
    if (isLimited(exchange)) account.deniedUntil = exchange.at + 1000 * (resetSeconds(exchange) ?? 0);
    return exchange;
  }

  /** A properly signed token, made with the user's signing key. */
  mint(claims: Record<string, unknown> = {}): Promise<string> {
    const { jwt } = this;
    const { signingKey } = this.credentials;
    if (jwt === undefined || signingKey === undefined)
      throw new Inconclusive('needs --signing-key and a JWT');
    return mint(jwt, signingKey, claims);
  }

  private async patiently(call: Call): Promise<Exchange> {
    let exchange = await this.client.send(call);
    for (let i = 1; i < REFUSAL_TRIES && isLimited(exchange); i++) {
      const seconds = retryAfterSeconds(exchange) ?? 1;
      if (seconds > MAX_REFUSAL_WAIT_SECONDS) break;
      await this.pause(seconds * 1000);
      exchange = await this.client.send(call);
    }
    return exchange;
  }
}

/** The call with the caller's token in front. */
export const authorised = ({ token }: Caller, call: Call = {}): Call => ({
  ...call,
  headers: [bearer(token), ...(call.headers ?? [])],
});
