// Builds the Worker as `wrangler deploy` would, without deploying it.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

/** Where the built Worker lies: `worker.js`, the modules beside it, and `options.json` with what wrangler makes of `wrangler.toml`. */
export const workerDir = join(root, 'dist/worker');
/** Wrangler names the bundle after `main`. */
const SCRIPT = 'worker.js';
const OPTIONS = 'options.json';
/** The console, as one text. */
const CONSOLE = 'admin/console.txt';

/** No telemetry, no error reports, and no banner: that one looks for updates. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
};

/** Runs `wrangler deploy --dry-run`, quietly and without the network; throws with its output when it fails. */
export const buildWorker = async (): Promise<void> => {
  await mkdir(dirname(workerDir), { recursive: true });
  const scratch = await mkdtemp(`${workerDir}-`);
  try {
    await Promise.all([bundle(scratch), writeOptions(scratch)]);
    await install(scratch);
  } finally {
    await rm(scratch, { recursive: true });
  }
};

/** One rename a file: whoever reads meanwhile finds the old or the new one, whole. */
const install = async (from: string): Promise<void> => {
  await mkdir(workerDir, { recursive: true });
  await mkdir(dirname(join(workerDir, CONSOLE)), { recursive: true });
  for (const name of [SCRIPT, CONSOLE, OPTIONS]) await rename(join(from, name), join(workerDir, name));
};

const bundle = async (to: string): Promise<void> => {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
  // `[build]` runs `node`: this very one.
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, ...QUIET, PATH };
  await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', to], {
    cwd: root,
    env,
  });
};

/** Wrangler's reading of `wrangler.toml`, kept beside the bundle: loading wrangler itself takes a second. */
const writeOptions = async (to: string): Promise<void> => {
  Object.assign(process.env, QUIET);
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'));
  const { bindings: _vars, modulesRules: _rules, ...options } = workerOptions;
  await writeFile(join(to, OPTIONS), JSON.stringify(options));
};

export interface BuiltWorker {
  /** The Worker's own module. */
  readonly script: string;
  /** Text modules beside it, by path. */
  readonly texts: Readonly<Record<string, string>>;
  /** Its options without vars. */
  readonly options: Record<string, unknown>;
}

export const readWorker = async (): Promise<BuiltWorker> => ({
  script: await readFile(join(workerDir, SCRIPT), 'utf8'),
  texts: { [CONSOLE]: await readFile(join(workerDir, CONSOLE), 'utf8') },
  options: JSON.parse(await readFile(join(workerDir, OPTIONS), 'utf8')),
});
