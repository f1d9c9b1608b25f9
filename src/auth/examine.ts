// What is known of a token, and finding out: the caches, then the failure gate, then the crypto.

import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { bytesOf } from '../lib/bytes-of.ts';
import { delay } from '../lib/delay.ts';
import { PerSecond } from '../lib/per-second.ts';
import type { FailureCount } from './failure-count.ts';
import { FailureGate, gateKeyOf } from './failure-gate.ts';
import type { Floor } from './floor.ts';
import type { Background, SourceState } from './keys/types.ts';
import { MAX_TOKEN_LENGTH, shapeFlaw } from './shape.ts';
import { type TokenReader, tokenReader } from './sources.ts';
import {
  type Refused,
  refused,
  type Verdict,
  type Verified,
  type Verifier,
  verifier,
  type Work,
} from './verify.ts';

/** A verified token; past `freshUntil` it is verified anew, but needs not pass the failure gate again. */
interface Known extends Verified {
  readonly freshUntil: number;
}

interface KnownBad {
  readonly refused: Refused;
  readonly until: number;
}

/** Verified tokens kept, and what they and their identities weigh in all, about in bytes. */
const MAX_TOKENS = 10_000;
const MAX_TOKEN_BYTES = 16_777_216;
/** Refused ones are kept apart, so that junk cannot push good ones out. */
const MAX_REFUSED = 1_000;
const MAX_REFUSED_CHARS = 1_048_576;
/** Kept no longer, because a key set may bring another key under the same `kid`. Milliseconds. */
const REFUSED_MS = 60_000;

/** Decoys in one isolate: enough that no stopwatch outruns them, few enough that junk stays cheap. */
const DECOYS_PER_SECOND = 200;
/** Decoys pass the gate as the tokens of one address that is never charged. */
const DECOYS = 'decoys';

/** One is one byte, since tokens are ASCII. */
const chars = (token: string): number => token.length;

/** A token of many short scopes makes an identity that is much heavier than itself. */
const weightOf = (token: string, { identity }: Known): number => token.length + bytesOf(identity);

export class Examiner {
  readonly #good = new BoundedMap<string, Known>(MAX_TOKENS, MAX_TOKEN_BYTES, weightOf);
  readonly #bad = new BoundedMap<string, KnownBad>(MAX_REFUSED, MAX_REFUSED_CHARS, chars);
  readonly #gate = new FailureGate();
  readonly #verifier: Verifier;
  readonly #decoys = new PerSecond(DECOYS_PER_SECOND);
  readonly #cacheMs: number;
  readonly #ipv6Prefix: number;
  /** Every 401 leaves no sooner than this, milliseconds. */
  readonly floorMs: number;
  /** The one place where a request's token is looked for. */
  readonly read: TokenReader;

  constructor(config: Config) {
    this.#verifier = verifier(config);
    this.#cacheMs = config.tokens.cacheSeconds * 1000;
    this.#ipv6Prefix = config.ipv6Prefix;
    this.floorMs = config.tokens.unauthorizedDelayMs;
    this.read = tokenReader(config.tokens, config.corsOrigins);
  }

  /** The hot path: who sent this token, if it was verified lately and its key is still trusted. */
  known(token: string | undefined): Identity | undefined {
    const known = token === undefined || token.length > MAX_TOKEN_LENGTH ? undefined : this.#good.get(token);
    return known && isFresh(known) ? known.identity : undefined;
  }

  /**
   * @param token what the request presents as one, good or not.
   * @param floor the timer that a refusal waits for.
   */
  async examine(exchange: Exchange, token: string | undefined, floor: Floor): Promise<Verdict> {
    const address = gateKeyOf(exchange.request, this.#ipv6Prefix);
    const verdict = await this.#judge(exchange, token, floor, address);
    const isQuick = verdict.kind === 'refused' && verdict.work !== 'verified';
    if (isQuick && this.#decoys.take(Date.now())) await this.#workInVain(exchange, verdict.work);
    return verdict;
  }

  /** What refusing a forged token takes beyond the work that was done. */
  async #workInVain(exchange: Exchange, done: Work): Promise<void> {
    if (done === 'decoded') return this.#verifier.verifyDecoy();
    const decoy = this.#verifier.decoy();
    if (decoy !== undefined) await this.#verify(exchange, decoy, DECOYS);
  }

  async #judge(
    exchange: Exchange,
    token: string | undefined,
    floor: Floor,
    address: string,
  ): Promise<Verdict> {
    const flaw = token === undefined ? 'token_missing' : shapeFlaw(token);
    if (token === undefined || flaw !== undefined)
      return { ...refused(flaw ?? 'token_missing'), work: 'none' };
    const known = this.#good.get(token);
    if (known && isFresh(known)) return known;
    const bad = this.#bad.get(token);
    if (bad && Date.now() < bad.until) return { ...bad.refused, work: 'none' };
    const verdict = await this.#verify(exchange, token, address);
    if (verdict.kind === 'refused')
      exchange.waitUntil(this.#charge(exchange.env.AUTH_FAILURES, address, floor));
    return verdict;
  }

  async #verify(exchange: Exchange, token: string, address: string): Promise<Verdict> {
    const background = (work: Promise<unknown>) => exchange.waitUntil(work);
    const verdict = await this.#verifyGated(token, background, address);
    this.#remember(token, verdict);
    return verdict;
  }

  /** From now on the revoked token of this request is refused as any bad one is. */
  distrust(request: Request): void {
    const token = this.read(request);
    if (token !== undefined) this.#remember(token, refused('token_revoked'));
  }

  /** What every source of keys has come to, for `/.weir/health`; loads those that are not at hand. */
  keyStates(background: Background): Promise<readonly SourceState[]> {
    return this.#verifier.keyStates(background);
  }

  /**
   * Behind the answer. Before it, the call would wake the thread and so move the moment at which the timer of the
   * answer is noticed, for tokens that came this far alone: a fifth of a millisecond that a stopwatch finds.
   */
  async #charge(failures: FailureCount | undefined, address: string, floor: Floor): Promise<void> {
    await floor;
    await delay(1);
    await this.#gate.charge(failures, address).catch(() => undefined);
  }

  /** A token that was good once passes the gate until it expires. What needs no crypto to be refused does not come to it. */
  async #verifyGated(token: string, background: Background, address: string): Promise<Verdict> {
    if (this.#wasGood(token)) return this.#verifier.verify(token, background, (work) => work());
    return this.#verifier.verify(token, background, async (work, known) => {
      if (known !== undefined && this.#gate.isClosedTo(address)) return known;
      return this.#gate.admits(address, token) ? this.#gate.run(address, work) : undefined;
    });
  }

  #wasGood(token: string): boolean {
    const known = this.#good.get(token);
    return known !== undefined && Date.now() < known.goodUntil;
  }

  #remember(token: string, outcome: Verdict): void {
    const now = Date.now();
    if (outcome.kind === 'verified') {
      this.#good.set(token, { ...outcome, freshUntil: Math.min(outcome.goodUntil, now + this.#cacheMs) });
    } else if (outcome.kind === 'refused') {
      this.#good.delete(token);
      if (outcome.forGood) this.#bad.set(token, { refused: outcome, until: now + REFUSED_MS });
    }
  }
}

const isFresh = ({ key, freshUntil }: Known): boolean => key.trusted && Date.now() < freshUntil;
