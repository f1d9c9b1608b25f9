// Calls the Pulse objects: one of them for an isolate that reports, all of them for readers. Every call has a time limit.
import type { Config } from '../config/types.ts';
import { inJurisdiction, type Stub, stubOf } from '../lib/durable-object.ts';
import { withTimeLimit } from '../lib/time-limit.ts';
import type { Change } from './changes.ts';
import { mergeCallers, mergeTotals, mergeViews } from './merge.ts';
import { MAX_SHARDS, shardName } from './pace.ts';
import type { Pulse } from './pulse.ts';
import type { CallerView, Range, Totals, View } from './state.ts';

/** Longest wait of a reader for one object. */
const TIMEOUT_MS = 5_000;

type PulseStub = Stub<Pulse, 'report' | 'view' | 'totals' | 'caller' | 'keep' | 'changes'>;

export type Reading<T> = T & { readonly shards: number };

/** The objects of one namespace, in the jurisdiction of all our objects. */
export class PulseClient {
  readonly #namespace: DurableObjectNamespace<Pulse>;

  constructor(
    namespace: DurableObjectNamespace<Pulse>,
    { limiterJurisdiction }: Pick<Config, 'limiterJurisdiction'>,
  ) {
    this.#namespace = inJurisdiction(namespace, limiterJurisdiction);
  }

  object(shard: number): PulseStub {
    return stubOf(this.#namespace, shardName(shard));
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
  async #askAll<T extends { readonly shards: number }>(ask: (pulse: PulseStub) => Promise<T>): Promise<T[]> {
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
