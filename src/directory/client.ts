// Calls the Directory, for isolates that report to it and for the admin API. Every call has a time limit.
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import { inJurisdiction, type Stub, stubOf } from '../lib/durable-object.ts';
import type { Secret } from '../lib/secret.ts';
import { withTimeLimit } from '../lib/time-limit.ts';
import type { Directory, Entry } from './directory.ts';
import { Seal } from './seal.ts';

/** Longest wait for an answer. */
const TIMEOUT_MS = 5_000;

/** Name of the object: one has room for all. */
const NAME = 'directory';

/** A partition whose name is known. */
export interface NamedPartition {
  readonly name: string;
  readonly partition: string;
}

/** Calls the Directory, and seals and opens what it keeps. */
export class DirectoryClient {
  readonly #namespace: DurableObjectNamespace<Directory>;
  readonly #seal: Seal;

  constructor(namespace: DurableObjectNamespace<Directory>, secret: Secret) {
    this.#namespace = namespace;
    this.#seal = new Seal(secret);
  }

  /** Stores who is behind names. @throws {Error} where the Directory does not answer in time. */
  async keep(partitions: readonly NamedPartition[]): Promise<void> {
    const entries = await Promise.all(partitions.map((each) => this.#entry(each)));
    await withTimeLimit(this.#object().keep(entries), TIMEOUT_MS);
  }

  /** The partition behind a name; undefined where the name was never stored, or too long ago. @throws {Error} as `keep`. */
  async find(name: string): Promise<string | undefined> {
    const sealed = await withTimeLimit(this.#object().find(name), TIMEOUT_MS);
    return sealed === undefined ? undefined : this.#seal.open(name, sealed);
  }

  /**
   * Replaces the list's entry of a partition.
   * @param until when the last part of it ends, milliseconds since the epoch; 0: nothing is in force.
   * @throws {Error} as `keep`.
   */
  async list(name: string, facts: object, until: number): Promise<void> {
    const sealed = await this.#seal.seal(name, JSON.stringify(facts));
    await withTimeLimit(this.#object().list({ name, sealed, until }), TIMEOUT_MS);
  }

  /** What is in force, as it was given to `list`. @throws {Error} as `keep`. */
  async listed(): Promise<readonly unknown[]> {
    const all = await withTimeLimit(this.#object().listed(), TIMEOUT_MS);
    const opened = await Promise.all(all.map(({ name, sealed }) => this.#seal.open(name, sealed)));
    return opened.flatMap((text) => (text === undefined ? [] : [JSON.parse(text)]));
  }

  async #entry({ name, partition }: NamedPartition): Promise<Entry> {
    const kind = partition.startsWith('["address"') ? 'address' : 'caller';
    return { name, kind, sealed: await this.#seal.seal(name, partition) };
  }

  #object(): Stub<Directory, 'keep' | 'find' | 'list' | 'listed'> {
    return stubOf(this.#namespace, NAME);
  }
}

/** The Directory, where it is bound and there is an admin API to read it; else undefined, and nothing is stored. */
export const directoryOf = (
  { DIRECTORY }: Bindings,
  { adminToken, partitionSecret, limiterJurisdiction }: Config,
): DirectoryClient | undefined => {
  if (DIRECTORY === undefined || adminToken === undefined || partitionSecret === undefined) return undefined;
  return new DirectoryClient(inJurisdiction(DIRECTORY, limiterJurisdiction), partitionSecret);
};
