// Whether a token is good: the caches, then the failure gate, then the crypto.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { bytesOf } from '../lib/bytes-of.ts';
import { delay } from '../lib/delay.ts';
import { PerSecond } from '../lib/per-second.ts';
import type { FailureCount } from './failure-count.ts';
import { FailureGate, gateKeyOf } from './failure-gate.ts';
import { type Refused, refused, type Work } from './flaws.ts';
import type { Background } from './keys/types.ts';
import type { RefusalDelay } from './refusal-delay.ts';
import { MAX_TOKEN_LENGTH, shapeFlaw } from './shape.ts';
import { type TokenReader, tokenReader } from './sources.ts';
import { type Verdict, type Verified, type Verifier, verifier } from './verify.ts';

/** A verified token; after `freshUntil` it is verified anew, but need not pass the failure gate again. */
interface Known extends Verified {
  readonly freshUntil: number;
}

interface KnownBad {
  readonly refused: Refused;
  readonly until: number;
}

/** Verified tokens kept, and the bytes that they and their identities may take in all, approximately. */
const MAX_TOKENS = 10_000;
const MAX_TOKEN_BYTES = 16_777_216;
/** Refused ones are kept apart, so that junk cannot push good ones out. */
const MAX_REFUSED = 1_000;
const MAX_REFUSED_CHARS = 1_048_576;
/** How long a refused token is remembered, milliseconds: later, a key set may hold another key under the same `kid`. */
const REFUSED_MS = 60_000;

/** Decoys in one isolate: enough that no stopwatch outruns them, few enough that junk stays cheap. */
const DECOYS_PER_SECOND = 200;
/** Decoys pass the gate as the tokens of one address that is never charged. */
const DECOYS = 'decoys';

/** A token with many short scopes makes an identity that is much heavier than the token. */
const weightOf = (token: string, { identity }: Known): number => token.length + bytesOf(identity);

/** Tells who sent a token. One for an isolate: it holds the caches, the failure gate and the verifier. */
export class Examiner {
  readonly #good = new BoundedMap<string, Known>(MAX_TOKENS, MAX_TOKEN_BYTES, weightOf);
  readonly #bad = new BoundedMap<string, KnownBad>(MAX_REFUSED, MAX_REFUSED_CHARS);
  readonly #gate = new FailureGate();
  readonly #verifier: Verifier;
  readonly #decoys = new PerSecond(DECOYS_PER_SECOND);
  readonly #cacheMs: number;
  readonly #ipv6Prefix: number;
  /** `UNAUTHORIZED_DELAY_MS`: no 401 leaves sooner. */
  readonly refusalDelayMs: number;
  /** The one place where a request's token is looked for. */
  readonly read: TokenReader;

  constructor(config: Config) {
    this.#verifier = verifier(config);
    this.#cacheMs = config.tokens.cacheSeconds * 1000;
    this.#ipv6Prefix = config.ipv6Prefix;
    this.refusalDelayMs = config.tokens.unauthorizedDelayMs;
    this.read = tokenReader(config.tokens, config.corsOrigins);
  }

  /** The hot path: who sent this token, if it was verified recently and its key is still trusted. */
  known(token: string | undefined): Identity | undefined {
    const known = token === undefined || token.length > MAX_TOKEN_LENGTH ? undefined : this.#good.get(token);
    return known && isFresh(known) ? known.identity : undefined;
  }

  /**
   * Verifies a token that is not known to be good.
   *
   * @param token what the request presents as one, valid or not.
   * @param delayed what a refusal waits for.
   */
  async examine(exchange: Exchange, token: string | undefined, delayed: RefusalDelay): Promise<Verdict> {
    const address = gateKeyOf(exchange.request, this.#ipv6Prefix);
    const verdict = await this.#judge(exchange, token, delayed, address);
    if (verdict.kind === 'refused' && this.#isHidden(verdict.work, address))
      await this.#workInVain(exchange, verdict.work);
    return verdict;
  }

  /**
   * Whether the rest of the work is done in vain. Not for an address that failed too often: there a 429 in place of a 401
   * already tells what would need crypto, and a flood must not make work.
   */
  #isHidden(done: Work, address: string): boolean {
    return done !== 'verified' && !this.#gate.isClosedTo(address) && this.#decoys.take(Date.now());
  }

  /** Does the rest of the work that it takes to refuse a forged token. */
  async #workInVain(exchange: Exchange, done: Work): Promise<void> {
    if (done === 'decoded') return this.#verifier.verifyDecoy();
    const decoy = this.#verifier.decoy();
    if (decoy !== undefined) await this.#verify(exchange, decoy, DECOYS);
  }

  async #judge(
    exchange: Exchange,
    token: string | undefined,
    delayed: RefusalDelay,
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
    if (verdict.kind === 'refused') this.#charge(exchange, address, delayed);
    return verdict;
  }

  async #verify(exchange: Exchange, token: string, address: string): Promise<Verdict> {
    const background = (work: Promise<unknown>) => exchange.waitUntil(work);
    const verdict = await this.#verifyGated(token, background, address);
    this.#remember(token, verdict);
    return verdict;
  }

  /** Refuses the revoked token of this request from now on, as any bad one. */
  distrust(request: Request): void {
    const token = this.read(request);
    if (token !== undefined) this.#remember(token, refused('token_revoked'));
  }

  #charge(exchange: Exchange, address: string, delayed: RefusalDelay): void {
    if (this.#gate.isClosedTo(address)) this.#gate.chargeHere(address);
    else exchange.waitUntil(this.#chargeLater(exchange.env.AUTH_FAILURES, address, delayed));
  }

  /**
   * Charges the failure after the answer. Before it, the call would wake the thread and so shift the moment at which the
   * answer's timer is noticed, only for tokens that came this far: a fifth of a millisecond, which a stopwatch finds.
   */
  async #chargeLater(
    failures: FailureCount | undefined,
    address: string,
    delayed: RefusalDelay,
  ): Promise<void> {
    await delayed;
    await delay(1);
    await this.#gate.charge(failures, address).catch(() => undefined);
  }

  /** A token that was good once passes the gate until it expires. What can be refused without crypto never reaches it. */
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
