// Builds the Worker as `wrangler deploy` would, without deploying it.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

/** Where the built Worker lies: `index.js`, and `options.json` with what wrangler makes of `wrangler.toml`. */
export const workerDir = join(root, 'dist/worker');

/** Runs `wrangler deploy --dry-run`, quietly and without the network; throws with its output when it fails. */
export const buildWorker = async (): Promise<void> => {
  await mkdir(workerDir, { recursive: true });
  await Promise.all([bundle(), writeOptions()]);
};

const quiet = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
};

const bundle = async (): Promise<void> => {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
  await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', workerDir], {
    cwd: root,
    env: { ...process.env, ...quiet },
  });
};

/** Wrangler's reading of `wrangler.toml`, kept beside the bundle: loading wrangler itself takes a second. */
const writeOptions = async (): Promise<void> => {
  Object.assign(process.env, quiet);
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'));
  const { bindings: _vars, modulesRules: _rules, ...options } = workerOptions;
  await writeFile(join(workerDir, 'options.json'), JSON.stringify(options));
};

/** The built Worker: its one module, and its options without vars. */
export const readWorker = async (): Promise<{ script: string; options: Record<string, unknown> }> => ({
  script: await readFile(join(workerDir, 'index.js'), 'utf8'),
  options: JSON.parse(await readFile(join(workerDir, 'options.json'), 'utf8')),
});
