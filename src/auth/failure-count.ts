// Who counts failed verifications: the `AUTH_FAILURES` binding for the data centre, or without it the isolate for itself.
import { BoundedMap } from '../lib/bounded-map.ts';

/** What the `AUTH_FAILURES` binding does. */
export interface FailureCount {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** Failures of an address in a calendar minute, as the binding in `wrangler.toml` is set. */
const LIMIT = 60;
const MINUTE_MS = 60_000;

/** Addresses counted. */
const MAX_ADDRESSES = 10_000;

interface Count {
  readonly minute: number;
  readonly failures: number;
}

export class IsolateFailures {
  readonly #counts = new BoundedMap<string, Count>(MAX_ADDRESSES);

  /** Counts one failure of an address; false if it is one too many. */
  count(address: string): boolean {
    const minute = Math.floor(Date.now() / MINUTE_MS);
    const known = this.#counts.get(address);
    const failures = (known?.minute === minute ? known.failures : 0) + 1;
    this.#counts.set(address, { minute, failures });
    return failures <= LIMIT;
  }
}
