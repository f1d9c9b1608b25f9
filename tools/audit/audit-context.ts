// What every check works with: the client, the callers, and what was learnt so far.
import type { KeyObject } from 'node:crypto';
import { type Declared, resetSeconds } from './declared.ts';
import { retryAfterSeconds } from './fields.ts';
import type { Call, Client, Exchange, Header } from './http/client.ts';
import { Inconclusive, pause } from './stop.ts';
import { type Jwt, readJwt } from './tokens/jwt.ts';
import { publicHalf, type SigningKey } from './tokens/keys.ts';
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
  /** When its last denial came. */
  deniedAt: number | undefined;
  /** When it is whole or in part there again, as that denial said. */
  deniedUntil: number | undefined;
}

/** Longest wait for a limit to renew. */
export const MAX_WAIT_MS = 65_000;
/** Longest wait for an API that limits refused tokens. */
const MAX_REFUSAL_WAIT_SECONDS = 10;
const SHORT_REFUSAL_WAIT_SECONDS = 2;
const REFUSAL_TRIES = 3;
/** Waited for it in the whole audit. */
const REFUSAL_PATIENCE_SECONDS = 40;
/** What nginx denies with unless it is told otherwise. */
const UNAVAILABLE = 503;
const FIRST_REST_MS = 200;
/** For a limit that does not say when it renews. */
const SHORT_WAIT_MS = 10_000;
/** Refusals that are kept to be read. */
const MOST_KEPT = 100;

export const isAdmitted = (exchange: Exchange): boolean => exchange.status >= 200 && exchange.status < 300;
/** Neither admitted nor refused: the API failed. */
export const isBroken = (exchange: Exchange): boolean => exchange.status >= 500 && !isLimited(exchange);
export const isLimited = (exchange: Exchange): boolean =>
  exchange.status === 429 || exchange.limited === true;
export const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`];
export const callerOf = (token: string): Caller => ({
  token,
  account: { lastAdmitted: undefined, deniedAt: undefined, deniedUntil: undefined },
});

export class Audit {
  readonly client: Client;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly main: Caller;
  /** The issuer's public keys as given; else the one that belongs to the signing key. */
  readonly publicKeys: readonly KeyObject[];
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
  /** All pauses so far. */
  pausedMs = 0;
  /** Whole JWTs, one in a request, that were answered with a server error. */
  readonly broken: { readonly what: string; readonly status: number }[] = [];
  /** Answers to what ought to be refused, the first of them. */
  readonly refused: Exchange[] = [];
  readonly #memo = new Map<string, Promise<unknown>>();
  #patienceSeconds = REFUSAL_PATIENCE_SECONDS;
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
    const { publicKeys, signingKey } = credentials;
    this.publicKeys = publicKeys.length > 0 || signingKey === undefined ? publicKeys : publicHalf(signingKey);
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
    this.pausedMs += ms;
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
    if (!isAdmitted(exchange) && this.refused.length < MOST_KEPT) this.refused.push(exchange);
    if (!isLimited(exchange)) return exchange;
    throw new Inconclusive(
      'the API answers refused tokens with 429 by now; wait, or raise that limit for the audit',
    );
  }

  /**
   * Whether the API denies with this status, in place of 429, whoever is over a limit: the good token gets it, too, and
   * is admitted again after a while. Not where refused tokens get the same, as the two could not be told apart.
   */
  deniesWith(status: number): Promise<boolean> {
    return this.once(`denies with ${status}`, async () => {
      if (status < 402 || this.refused.some((one) => one.status === status)) return false;
      this.client.denialStatus = status;
      const denial = await this.get(this.main);
      if (isLimited(denial) && (await this.isAdmittedAgain(denial))) return true;
      this.client.denialStatus = undefined;
      return false;
    });
  }

  private async isAdmittedAgain(denial: Exchange): Promise<boolean> {
    const mostMs = Math.min(MAX_WAIT_MS, Math.max(SHORT_WAIT_MS, 1000 * (resetSeconds(denial) ?? 0)));
    return this.admitsWithin(mostMs, 1.3);
  }

  /**
   * Whether the good token is admitted within so long, asked after rests of which each is so many times the last.
   * @param since `performance.now()` from when the time counts.
   */
  async admitsWithin(mostMs: number, growth: number, since = performance.now()): Promise<boolean> {
    for (let rest = FIRST_REST_MS; performance.now() - since < mostMs; rest *= growth) {
      await this.pause(rest);
      if (isAdmitted(await this.get(this.main))) return true;
    }
    return false;
  }

  note(caller: Caller, exchange: Exchange): Exchange {
    const { account } = caller;
    if (isAdmitted(exchange)) account.lastAdmitted = exchange.at;
    if (isLimited(exchange)) {
      account.deniedAt = exchange.at;
      account.deniedUntil = exchange.at + 1000 * (resetSeconds(exchange) ?? 0);
    }
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
    // A proxy in front that limits by address does so before the API looks at the token.
    if (exchange.status === UNAVAILABLE && !isLimited(exchange) && (await this.deniesWith(UNAVAILABLE)))
      exchange = await this.client.send(call);
    for (let i = 1; i < REFUSAL_TRIES && isLimited(exchange); i++) {
      const seconds = Math.max(1, retryAfterSeconds(exchange) ?? 1);
      if (seconds > MAX_REFUSAL_WAIT_SECONDS || seconds > this.#patienceSeconds) break;
      this.#patienceSeconds -= seconds;
      await this.pause(seconds * 1000);
      exchange = await this.client.send(call);
      // Where a long wait, as it was asked for, has not helped, another one hardly will.
      if (isLimited(exchange) && seconds > SHORT_REFUSAL_WAIT_SECONDS) this.#patienceSeconds -= seconds;
    }
    return exchange;
  }
}

/** The call with the caller's token in front. */
export const authorised = ({ token }: Caller, call: Call = {}): Call => ({
  ...call,
  headers: [bearer(token), ...(call.headers ?? [])],
});

/** The main token's parts; checks that call this have `jwt` among their needs. */
export const jwtOf = ({ jwt }: Audit): Jwt => {
  if (jwt === undefined) throw new Inconclusive('the token is not a JWT');
  return jwt;
};
