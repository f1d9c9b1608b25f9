// Keys of one source from the network: isolate memory -> Cache API -> network. The only holder of fetched key sets.
import { delay } from '../../lib/delay.ts';
import { PerSecond } from '../../lib/per-second.ts';
import { readCachedKeys, writeCachedKeys } from './cache.ts';
import { FETCH_LIMIT_MS, fetchKeySet, nameOf, type RemoteSource } from './fetch.ts';
import { type KeySet, parseKeySet, warnLimit } from './set.ts';
import type { Background, Keys, SourceState } from './types.ts';

/** From this age on a set is refreshed in the background, milliseconds. */
const REFRESH_AFTER_MS = 480_000;
/** From this age on a request waits for the refresh, if the issuer was up the last time. */
const MAX_AGE_MS = 600_000;
/** Through an outage a set is used up to this age. */
const KEPT_MS = 86_400_000;
/** How long a request waits for a refresh while there is an old set to fall back on. */
const STALE_WAIT_MS = 1_000;
/** Unknown `kid`s, however many, cause one refetch in this time. */
const REFETCH_EVERY_MS = 30_000;
/** Wait after a failure; doubles with each further one, up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** A load that takes longer has died with the request that led it: the cache and the network are bounded below this. */
const LOAD_LIMIT_MS = FETCH_LIMIT_MS + 1_000;
/** Longest error that is logged: it may quote what an issuer sent. */
const MAX_ERROR_LENGTH = 500;
/** Requests a second that may begin to wait for another's load. */
const WAITS_PER_SECOND = 1_000;

/**
 * A key set from the network. What requests share is plain data; each awaits only promises of its own. One of them
 * leads a load, in `waitUntil`, so that a client who leaves does not end it; the others poll every few milliseconds until
 * it has settled.
 */
export class RemoteKeys implements Keys {
  readonly #source: RemoteSource;
  readonly #algorithms: readonly string[];
  readonly #waits = new PerSecond(WAITS_PER_SECOND);
  #set: KeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #failure: string | undefined;
  #retryAt = 0;
  #refetchAt = 0;
  #loadingUntil = 0;

  constructor(source: RemoteSource, algorithms: readonly string[]) {
    this.#source = source;
    this.#algorithms = algorithms;
  }

  async current(background: Background): Promise<KeySet | undefined> {
    const age = this.#age();
    if (age < REFRESH_AFTER_MS) return this.#set;
    const load = this.#lead(background, REFRESH_AFTER_MS);
    const isDown = this.#failures > 0 && this.#kept() !== undefined;
    if (age >= MAX_AGE_MS && !isDown) await this.#settled(load, this.#sufficesFor(Date.now()));
    return this.#kept();
  }

  async newer(background: Background, than: KeySet): Promise<KeySet> {
    const isNewer = () => this.#set !== than;
    if (!isNewer() && (this.#isLoading() || Date.now() >= this.#refetchAt)) {
      const load = this.#lead(background, REFETCH_EVERY_MS);
      if (load) this.#refetchAt = Date.now() + REFETCH_EVERY_MS;
      await this.#settled(load, isNewer);
    }
    return this.#set ?? than;
  }

  retryAfterMs(now: number): number {
    return Math.max(FIRST_RETRY_MS, this.#retryAt - now);
  }

  states(): readonly SourceState[] {
    return [{ source: nameOf(this.#source), keys: this.#kept()?.length ?? 0, failure: this.#failure }];
  }

  #age(): number {
    return Date.now() - this.#fetchedAt;
  }

  #kept(): KeySet | undefined {
    return this.#age() < KEPT_MS ? this.#set : undefined;
  }

  #isLoading(): boolean {
    return Date.now() < this.#loadingUntil;
  }

  /** Starts a load, unless one is running or the last failure is too recent. */
  #lead(background: Background, acceptedAgeMs: number): Promise<void> | undefined {
    const now = Date.now();
    if (this.#isLoading() || now < this.#retryAt) return undefined;
    this.#loadingUntil = now + LOAD_LIMIT_MS;
    const load = this.#load(background, acceptedAgeMs);
    background(load);
    return load;
  }

  /** Whether a request that came at `since` may stop waiting: the set is fresh, or old and was waited for long enough. */
  #sufficesFor(since: number): () => boolean {
    return () => {
      const isStale = this.#age() >= MAX_AGE_MS;
      return !isStale || (this.#kept() !== undefined && Date.now() - since >= STALE_WAIT_MS);
    };
  }

  /** Waits for a load: the request's own, or by polling for another's. */
  async #settled(load: Promise<void> | undefined, done: () => boolean): Promise<void> {
    if (load) await Promise.race([load, this.#watch(done)]);
    else if (this.#waits.take(Date.now())) await this.#watch(done);
  }

  async #watch(done: () => boolean): Promise<void> {
    for (let step = 2; this.#isLoading() && !done(); step = Math.min(50, step * 2)) await delay(step);
  }

  async #load(background: Background, acceptedAgeMs: number): Promise<void> {
    try {
      if (await this.#loadCached(acceptedAgeMs)) return;
      await this.#loadFetched(background);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#loadingUntil = 0;
    }
  }

  /** Takes the data centre's copy if it is newer than ours; true if it is also fresh enough to skip the network. */
  async #loadCached(acceptedAgeMs: number): Promise<boolean> {
    const cached = await readCachedKeys(this.#source).catch(() => undefined);
    if (!cached || !(cached.fetchedAt > this.#fetchedAt)) return false;
    const adopted = await this.#adopt(cached.text, cached.fetchedAt).catch(() => false);
    return adopted && this.#age() < acceptedAgeMs;
  }

  async #loadFetched(background: Background): Promise<void> {
    const text = await fetchKeySet(this.#source);
    const fetchedAt = Date.now();
    if (!(await this.#adopt(text, fetchedAt))) throw new Error('key set holds no usable key');
    this.#failures = 0;
    this.#failure = undefined;
    background(writeCachedKeys(this.#source, { text, fetchedAt }).catch(() => undefined));
  }

  /** Replaces the set; false, and nothing changed, for one without a usable key. Keys gone from the set lose their trust. */
  async #adopt(text: string, fetchedAt: number): Promise<boolean> {
    const previous = this.#set ?? [];
    const { keys, skipped } = await parseKeySet(text, this.#algorithms, previous);
    if (keys.length === 0) return false;
    for (const key of previous) key.trusted = keys.includes(key);
    warnLimit(nameOf(this.#source), skipped);
    this.#set = keys;
    this.#fetchedAt = fetchedAt;
    return true;
  }

  #fail(error: unknown): void {
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryAt = Date.now() + wait;
    this.#failure = String(error).slice(0, MAX_ERROR_LENGTH);
    const source = nameOf(this.#source);
    console.error(JSON.stringify({ message: 'key_set_failed', source, error: this.#failure }));
  }
}
