// An issuer's keys, wherever they come from, and what is known of each source.
import type { KeySource } from '../../config/types.ts';
import { RemoteKeys } from './remote.ts';
import { type KeySet, type ParsedKeys, staticKeys, warnLimit } from './set.ts';
import type { Background, Keys, SourceState } from './types.ts';

/** @param sources of one family of algorithms, at least one. */
export const keysOf = (sources: readonly KeySource[], algorithms: readonly string[]): Keys => {
  const [first, ...more] = sources.map((source) => keysFrom(source, algorithms));
  if (first === undefined) throw new Error('no key source');
  return more.length === 0 ? first : new JoinedKeys([first, ...more]);
};

const keysFrom = (source: KeySource, algorithms: readonly string[]): Keys =>
  source.kind === 'jwks' || source.kind === 'discovery'
    ? new RemoteKeys(source, algorithms)
    : new FixedKeys(source.kind, () => staticKeys(source, algorithms));

const UNUSABLE = 'no key is usable with the accepted algorithms';
/** What a 503 says where a var holds no usable key: only a deploy can help, so a retry need not be soon. */
const DEPLOY_MS = 60_000;

/** Keys from a var. A request that finds them not yet imported imports them itself: it must not await another's promise. */
class FixedKeys implements Keys {
  readonly #source: string;
  readonly #load: () => Promise<ParsedKeys>;
  #held: KeySet | undefined;

  constructor(source: string, load: () => Promise<ParsedKeys>) {
    this.#source = source;
    this.#load = load;
  }

  async current(): Promise<KeySet | undefined> {
    if (this.#held === undefined) this.#hold(await this.#load());
    return this.#held?.length === 0 ? undefined : this.#held;
  }

  retryAfterMs(): number {
    return DEPLOY_MS;
  }

  states(): readonly SourceState[] {
    const failure = this.#held?.length === 0 ? UNUSABLE : undefined;
    return [{ source: this.#source, keys: this.#held?.length ?? 0, failure }];
  }

  #hold({ keys, skipped }: ParsedKeys): void {
    if (this.#held === undefined && keys.length === 0)
      console.error(JSON.stringify({ message: 'key_set_failed', source: this.#source, error: UNUSABLE }));
    warnLimit(this.#source, skipped);
    this.#held ??= keys;
  }
}

/** The keys of several sources as one set, which is the same object until one of its parts changes. */
class JoinedKeys implements Keys {
  readonly #parts: readonly Keys[];
  #sets: readonly (KeySet | undefined)[] = [];
  #joined: KeySet | undefined;

  constructor(parts: readonly Keys[]) {
    this.#parts = parts;
  }

  async current(background: Background): Promise<KeySet | undefined> {
    return this.#join(await Promise.all(this.#parts.map((part) => part.current(background))));
  }

  async newer(background: Background, than: KeySet): Promise<KeySet> {
    if (this.#joined !== undefined && this.#joined !== than) return this.#joined;
    const sets = this.#parts.map((part, i) => {
      const set = this.#sets[i];
      return set && part.newer ? part.newer(background, set) : part.current(background);
    });
    return this.#join(await Promise.all(sets)) ?? than;
  }

  isPartial(): boolean {
    return this.#sets.includes(undefined);
  }

  retryAfterMs(now: number): number {
    return Math.min(...this.#parts.map((part) => part.retryAfterMs(now)));
  }

  states(): readonly SourceState[] {
    return this.#parts.flatMap((part) => part.states());
  }

  #join(sets: readonly (KeySet | undefined)[]): KeySet | undefined {
    const isSame = sets.every((set, i) => set === this.#sets[i]) && this.#sets.length > 0;
    if (isSame) return this.#joined;
    const found = sets.filter((set) => set !== undefined);
    this.#sets = sets;
    this.#joined = found.length > 0 ? found.flat() : undefined;
    return this.#joined;
  }
}
