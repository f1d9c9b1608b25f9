// Both ends' way to the Pulse objects: a stub of each, every call with a time limit, and readers that ask them all.
import type { Config } from '../config/types.ts';
import { withTimeLimit } from '../lib/time-limit.ts';
import type { Change } from './changes.ts';
import { mergeCallers, mergeTotals, mergeViews } from './merge.ts';
import { MAX_SHARDS, shardName } from './pace.ts';
import type { Pulse } from './pulse.ts';
import type { CallerView, Range, Totals, View } from './state.ts';

/** A reader waits no longer for an object. */
const TIMEOUT_MS = 5_000;

type Namespace = DurableObjectNamespace<Pulse>;

/** A Pulse as it is called. The runtime's own type of a stub takes tuples for arrays. */
type Stub = {
  readonly [M in 'report' | 'view' | 'totals' | 'caller' | 'keep' | 'changes']: (
    ...given: Parameters<Pulse[M]>
  ) => Promise<ReturnType<Pulse[M]>>;
};

export type Reading<T> = T & { readonly shards: number };

/** The objects of one namespace, in the jurisdiction of all our objects. */
export class PulseClient {
  readonly #namespace: Namespace;

  constructor(namespace: Namespace, { limiterJurisdiction }: Pick<Config, 'limiterJurisdiction'>) {
    this.#namespace =
      limiterJurisdiction === undefined ? namespace : namespace.jurisdiction(limiterJurisdiction);
  }

  object(shard: number): Stub {
    return this.#namespace.get(this.#namespace.idFromName(shardName(shard))) as unknown as Stub;
  }

  async view(now: number, range: Range, minutes: number): Promise<Reading<View>> {
    return mergeViews(await this.#askAll((pulse) => pulse.view(now, range, minutes)));
  }

  async totals(now: number): Promise<Reading<Totals & { readonly isolates: number }>> {
    return mergeTotals(await this.#askAll((pulse) => pulse.totals(now)));
  }

  async caller(now: number, name: string): Promise<Reading<CallerView>> {
    return mergeCallers(await this.#askAll((pulse) => pulse.caller(now, name)));
  }

  /** One object keeps the trail for all. */
  keep(change: Change): Promise<void> {
    return withTimeLimit(this.object(0).keep(change), TIMEOUT_MS);
  }

  changes(): Promise<readonly Change[]> {
    return withTimeLimit(this.object(0).changes(), TIMEOUT_MS);
  }

  /** Each object says how many there are, as far as it knows: what one of them has learned leads to the rest. */
  async #askAll<T extends { readonly shards: number }>(ask: (pulse: Stub) => Promise<T>): Promise<T[]> {
    const readings: T[] = [];
    let shards = 1;
    while (readings.length < shards) {
      const next = Array.from({ length: shards - readings.length }, (_, i) =>
        this.object(readings.length + i),
      );
      readings.push(...(await Promise.all(next.map((pulse) => withTimeLimit(ask(pulse), TIMEOUT_MS)))));
      shards = Math.min(MAX_SHARDS, Math.max(...readings.map((reading) => reading.shards)));
    }
    return readings;
  }
}
