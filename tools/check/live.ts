// What the issuers' metadata and keys are like now, fetched by the Worker's own code.
import { fetchKeySet, nameOf, type RemoteSource } from '../../src/auth/keys/fetch.ts';
import { parseKeySet, type Skipped, staticKeys } from '../../src/auth/keys/set.ts';
import { familyOf } from '../../src/config/issuer.ts';
import { ALGORITHMS } from '../../src/config/settings.ts';
import type { Config, Issuer, KeySource } from '../../src/config/types.ts';

/** What a source of keys was found to hold. */
export interface LiveSource {
  /** URL or issuer, without secrets; or the kind of a source in a var. */
  readonly source: string;
  /** Why it could not be used; undefined where it could. */
  readonly failure: string | undefined;
  /** Keys that are usable with the accepted algorithms. */
  readonly keyCount: number;
  /** That some key is usable with. */
  readonly algorithms: readonly string[];
  /** Keys that are not used, and why. */
  readonly leftOut: readonly Skipped[];
}

/** Fetches every issuer's metadata and keys as the Worker would. Never throws: what went wrong is in `failure`. */
export const liveSources = (config: Config): Promise<readonly LiveSource[]> =>
  Promise.all(config.tokens.issuers.flatMap((issuer) => issuer.keys.map((source) => lookAt(source, issuer))));

const lookAt = async (source: KeySource, { algorithms }: Issuer): Promise<LiveSource> => {
  const own = algorithms.filter((algorithm) => ALGORITHMS[familyOf(source)].known.includes(algorithm));
  const name = isRemote(source) ? nameOf(source) : source.kind;
  try {
    const { keys, skipped } = isRemote(source)
      ? await parseKeySet(await fetchKeySet(source), own)
      : await staticKeys(source, own);
    const names = new Set(keys.map(({ id, alg }) => id.slice(alg.length)));
    return {
      source: name,
      failure: keys.length === 0 ? 'no key is usable with the accepted algorithms' : undefined,
      keyCount: names.size,
      algorithms: own.filter((algorithm) => keys.some(({ alg }) => alg === algorithm)),
      leftOut: skipped,
    };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { source: name, failure, keyCount: 0, algorithms: [], leftOut: [] };
  }
};

const isRemote = (source: KeySource): source is RemoteSource =>
  source.kind === 'jwks' || source.kind === 'discovery';

/** As people read it, a line each. */
export const liveText = (sources: readonly LiveSource[]): readonly string[] =>
  sources.flatMap(({ source, failure, keyCount, algorithms, leftOut }) => [
    failure === undefined
      ? `${source}: ${keyCount} ${keyCount === 1 ? 'key' : 'keys'}, for ${algorithms.join(', ')}`
      : `${source}: ${failure}`,
    ...leftOut.map(
      ({ kid, why }) => `  left out: ${kid === undefined ? 'a key without kid' : `the key ${kid}`}, ${why}`,
    ),
  ]);
