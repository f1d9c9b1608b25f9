// The built Worker in the local Workers runtime (workerd), each request straight from its own socket.
//
// Miniflare is what `wrangler dev` and wrangler's `createTestHarness` run Workers with. Those two add proxies of their
// own: requests pass two more Workers, and what the Worker fetches goes through Node's `fetch`, which decompresses.
// Here `url` is workerd's own socket and the Worker's `fetch` is workerd's own, so that bytes, streams, aborts and
// WebSockets are as they are in production. Of the edge's own doings nothing is imitated: `CF-Connecting-IP`, `CF-Ray`
// and `X-Forwarded-*` are what the client sent, and a request without `Host` is a 400.
import {
  convertV4MiniflareOptions,
  Miniflare,
  type V4ServiceDesignator,
  type V4WorkerOptions,
  type V4WorkerOptionsShape,
} from 'miniflare';
import { readWorker } from './build.ts';

export interface RuntimeOptions {
  /** Vars, as in `wrangler.toml`. */
  readonly vars?: Record<string, unknown>;
  readonly secrets?: Record<string, string>;
  /** Service bindings: the name of another Worker, or `{ external: { address: '127.0.0.1:1234', http: {} } }`. */
  readonly services?: Record<string, V4ServiceDesignator>;
  /** Name of the Worker that `fetch()` goes to instead of the network, whatever the host. */
  readonly outbound?: string;
  /** Workers of the same code and the same Limiter objects: so many edge isolates. Default 1. */
  readonly isolates?: number;
  /** Binds `DIRECTORY`, the same object for every isolate. Default false. */
  readonly directory?: boolean;
  /** Binds `PULSE`, the same object for every isolate. Default false. */
  readonly pulse?: boolean;
  /** A module around the built one, which it imports as `./index.js`: what a test needs to add to the real Worker. */
  readonly wrapper?: string;
  /** Other Workers beside it. */
  readonly workers?: readonly V4WorkerOptions[];
  /** Laid over the options of every isolate, e.g. to bind `LIMITER` to a broken one in `workers`. */
  readonly override?: Partial<V4WorkerOptionsShape>;
  /** Folder that outlives the runtime; unset: storage is gone with it. */
  readonly persist?: string;
  /** TCP port of the first isolate, or of each; default any free one. */
  readonly port?: number | readonly number[];
  /** Port of the V8 inspector, 0 for any; unset: none. */
  readonly inspectorPort?: number;
  readonly onLog?: (line: LogLine) => void;
}

export interface LogLine {
  readonly timestamp: number;
  readonly level: string;
  readonly message: string;
}

export interface Runtime {
  readonly miniflare: Miniflare;
  /** `http://127.0.0.1:<port>` of each isolate, without a slash at the end. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

export const startRuntime = async (options: RuntimeOptions = {}): Promise<Runtime> => {
  const isolates = Array.from({ length: options.isolates ?? 1 }, (_, index) => isolateName(index));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...(options.persist === undefined ? {} : { resourcePersistencePath: options.persist }),
      ...(options.inspectorPort === undefined ? {} : { inspectorPort: options.inspectorPort }),
      cf: false,
      handleStructuredLogs: (line) => options.onLog?.(line),
      workers: [...(await isolateOptions(isolates, options)), ...(options.workers ?? [])],
    }),
  );
  const urls = await Promise.all(isolates.map((name) => directUrl(miniflare, name)));
  return { miniflare, urls, close: () => miniflare.dispose() };
};

const isolateName = (index: number): string => (index === 0 ? 'weir' : `weir-${index + 1}`);

const directUrl = async (miniflare: Miniflare, name: string): Promise<string> =>
  (await miniflare.unsafeGetDirectURL(name)).origin;

const isolateOptions = async (
  names: readonly string[],
  options: RuntimeOptions,
): Promise<V4WorkerOptions[]> => {
  const { script, texts, options: built } = await readWorker();
  return names.map((name, index) => ({
    ...built,
    name,
    modules: [...modulesOf(script, options.wrapper), ...Object.entries(texts).map(textModule)],
    bindings: { ...options.vars, ...options.secrets } as V4WorkerOptions['bindings'],
    durableObjects: {
      LIMITER: objectBinding('Limiter', index),
      ...(options.directory ? { DIRECTORY: objectBinding('Directory', index) } : {}),
      ...(options.pulse ? { PULSE: objectBinding('Pulse', index) } : {}),
    },
    serviceBindings: { ...options.services },
    ...(options.outbound === undefined ? {} : { outboundService: options.outbound }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: portsOf(options.port)[index] ?? 0 }],
    stripCfConnectingIp: false,
    ...options.override,
  }));
};

const modulesOf = (script: string, wrapper: string | undefined) => {
  const built = { type: 'ESModule' as const, path: 'index.js', contents: script };
  return wrapper === undefined ? [built] : [{ ...built, path: 'wrapper.js', contents: wrapper }, built];
};

const portsOf = (port: RuntimeOptions['port']): readonly number[] =>
  typeof port === 'number' ? [port] : (port ?? []);

const textModule = ([path, contents]: readonly [string, string]) => ({
  type: 'Text' as const,
  path,
  contents,
});

/** All isolates but the first reach the first one's objects. */
const objectBinding = (className: string, index: number) =>
  index === 0 ? { className, useSQLite: true } : { className, useSQLite: true, scriptName: isolateName(0) };
