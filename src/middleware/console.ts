// The console, on a host that serves nothing else: on the API's host, a script of the origin's could steal the admin token.
// Its files are a second module of the Worker, loaded when first requested.
import type { WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { plain } from '../problem.ts';
import { mounted } from './mount.ts';
import type { Step } from './step.ts';

/** Written by `console/build.ts` beside the Worker's own module. Imported by a variable, so that it is not bundled. */
const MODULE: string = './admin/console.txt';

/** What is served: content type and text, by path. */
type Files = Readonly<Record<string, readonly [type: string, text: string]>>;

/** Nothing from other origins, nothing inline, no framing, no form submissions. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex',
  'Cache-Control': 'no-store',
};

/**
 * Answers every request to `CONSOLE_HOST` that the admin API has not answered; lets all others pass.
 *
 * @param options those of the `weir()` behind it.
 */
export const consolePages = (options: WeirOptions = {}) => mounted(options, atConsoleHost);

const atConsoleHost = ({ consoleHost }: Config): Step => {
  if (consoleHost === undefined) return (_c, next) => next();
  return function consolePages(c, next) {
    return isAt(c.req.url, consoleHost) ? answer(c.req.method, c.req.path) : next();
  };
};

/** Clients may write a host in capitals. */
const isAt = (url: string, host: string): boolean => {
  const start = url.indexOf('://') + 3;
  return url.slice(start, start + host.length + 1).toLowerCase() === `${host}/`;
};

const answer = async (method: string, path: string): Promise<Response> => {
  const files = method === 'GET' || method === 'HEAD' ? await load() : undefined;
  const file = files && Object.hasOwn(files, path) ? files[path] : undefined;
  if (file === undefined) return plain(404, HEADERS);
  const [type, text] = file;
  return new Response(method === 'HEAD' ? null : text, { headers: { ...HEADERS, 'Content-Type': type } });
};

let loaded: Files | undefined;

/** Undefined where the Worker was built without the console. */
const load = async (): Promise<Files | undefined> => {
  try {
    const module: { readonly default: string } = await import(MODULE);
    loaded ??= JSON.parse(module.default);
  } catch (error) {
    console.error(JSON.stringify({ outcome: 'internal_error', reason: String(error).slice(0, 200) }));
  }
  return loaded;
};
