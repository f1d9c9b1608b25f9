// The commands of the README and docs, run as they are printed, in a fresh clone, against the demo that one of them starts.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../tools/demo/ports.ts';
import { commandBlocks } from '../fixtures/commands-in-docs.ts';
import { descendants, isAlive } from '../fixtures/process.ts';

const root = join(import.meta.dirname, '../..');
const clone = mkdtempSync(join(tmpdir(), 'weir-clone-'));
const blocks = commandBlocks(root);
const toRun = blocks.filter(({ notRun }) => notRun === undefined);

const MINUTES = 60_000;

/** The demo's, which the pages name. */
const PORT = 8787;

/** A loaded machine takes its time over `npm ci`. */
const SLOW = 5 * MINUTES;

/** What the pages leave to whoever reads them: a clipboard, and that a demo stays in a terminal of its own. */
const SHELL = `set -eo pipefail
pbpaste() { npx weir-edge token --sub alice; }
npm() { if [ "$1" = start ]; then return 0; fi; command npm "$@"; }
`;

let demo: ChildProcess | undefined;
let settings: NodeJS.ProcessEnv = {};
let isPortFree = true;

/** Starts `npm start` in the clone, and takes over what it says to export. */
const startDemo = async (): Promise<void> => {
  demo = spawn('npm', ['start'], { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: demo.stdout as NodeJS.ReadableStream })) {
    const [, url, token] = /export WEIR_URL=(\S+) WEIR_ADMIN_TOKEN=(\S+)/.exec(line) ?? [];
    if (url && token) settings = { WEIR_URL: url, WEIR_ADMIN_TOKEN: token };
    if (line.includes('log follows')) break;
  }
  demo.stdout?.resume();
};

/** As it stands on disk, uncommitted changes too, but nothing that git ignores. */
const cloneHere = async (): Promise<void> => {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
  });
  for (const path of stdout.split('\0').filter((each) => each !== '' && existsSync(join(root, each))))
    cpSync(join(root, path), join(clone, path));
};

const run = (script: string): Promise<{ code: number; output: string }> =>
  new Promise((resolve) =>
    execFile(
      'bash',
      ['-c', SHELL + script],
      { cwd: clone, env: { ...process.env, npm_config_prefer_offline: 'true', ...settings }, timeout: SLOW },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    ),
  );

beforeAll(async () => {
  isPortFree = (await freePort(PORT)) === PORT;
  if (process.env.SOAK) await cloneHere();
}, MINUTES);

afterAll(async () => {
  const pids = demo?.pid === undefined ? [] : [demo.pid, ...descendants(demo.pid)];
  demo?.kill('SIGTERM');
  if (demo && demo.exitCode === null) await once(demo, 'exit');
  for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  rmSync(clone, { recursive: true, force: true });
});

describe('commands in the README and docs', () => {
  it('are run, or say in a sentence why not', () => {
    expect(toRun.length).toBeGreaterThan(5);
    for (const { at, notRun } of blocks)
      expect(notRun?.length ?? Number.POSITIVE_INFINITY, at).toBeGreaterThan(20);
  });

  it('begin with the two that do all', () => {
    expect(blocks.map(({ script }) => script.trim()).slice(0, 3)).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']),
    );
  });

  // It installs everything anew, which takes a while: `npm run soak`.
  it.runIf(process.env.SOAK)(
    'do what they say, in a fresh clone, in the order of the pages',
    async (context) => {
      context.skip(!isPortFree, `port ${PORT} is taken, which the pages name`);
      for (const { at, script } of toRun) {
        const { code, output } = await run(script);
        context.skip(
          /ENOTFOUND|EAI_AGAIN|ECONNREFUSED.*registry/.test(output),
          'the registry cannot be reached',
        );
        expect.soft({ at, code, output: code === 0 ? '' : output }).toEqual({ at, code: 0, output: '' });
        if (/npm start/.test(script)) await startDemo();
      }
      expect(settings.WEIR_URL).toBe(`http://127.0.0.1:${PORT}`);
    },
    2 * SLOW,
  );
});
