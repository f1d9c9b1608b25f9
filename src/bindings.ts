// The bindings of `wrangler.toml`.
import type { Directory } from './directory/directory.ts';
import type { Limiter } from './limiter/limiter.ts';
import type { Pulse } from './pulse/pulse.ts';

export interface Bindings {
  readonly LIMITER: DurableObjectNamespace<Limiter>;
  /** Counts failed verifications; without it, each isolate counts its own. */
  readonly AUTH_FAILURES?: RateLimit;
  /** Remembers who is behind the partition names in the log. */
  readonly DIRECTORY?: DurableObjectNamespace<Directory>;
  readonly PULSE?: DurableObjectNamespace<Pulse>;
  readonly ANALYTICS?: AnalyticsEngineDataset;
  readonly ORIGIN?: Fetcher;
  /** Vars and secrets; only `config.ts` reads them. */
  readonly [name: string]: unknown;
}
