// `npx weir-edge init` from the packed package, in an empty folder: what it writes deploys, and guards.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../tools/demo/ports.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { packed, type Stranger } from '../fixtures/package.ts';

let stranger: Stranger;
let origin: Origin;
let dev: ChildProcess | undefined;

beforeAll(async () => {
  [stranger, origin] = await Promise.all([packed(), startOrigin()]);
});

afterAll(async () => {
  if (dev?.exitCode === null) {
    dev.kill('SIGTERM');
    await once(dev, 'exit');
  }
  await origin.close();
  await stranger.remove();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const QUIET = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1' };

const node = (cwd: string, args: readonly string[], input = ''): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...QUIET } };
    const child = execFile(process.execPath, [...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.end(input);
  });

const bin = () => join(stranger.folder, 'node_modules/weir-edge/bin/weir-edge.js');
const wrangler = () => join(stranger.folder, 'node_modules/wrangler/bin/wrangler.js');
const project = (name: string) => join(stranger.folder, name);
const read = (name: string, path: string) => readFileSync(join(project(name), path), 'utf8');

const FLAGS = [
  '--issuer',
  'https://login.example.com/',
  '--audience',
  'https://api.example.com',
  '--limits',
  '3/hour',
];

/** Starts `wrangler dev` and resolves to its address once it listens. */
const startDev = async (cwd: string): Promise<string> => {
  const port = await freePort(30_000 + (process.pid % 10_000));
  dev = spawn(process.execPath, [wrangler(), 'dev', '--port', String(port), '--inspector-port', '0'], {
    ...{ cwd, env: { ...process.env, ...QUIET }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  for await (const line of createInterface({ input: dev.stdout as NodeJS.ReadableStream }))
    if (line.includes('Ready on')) return `http://127.0.0.1:${port}`;
  throw new Error('wrangler dev ended');
};

it('the packed commands say in a sentence that Node is too old, and what brings a newer one', async () => {
  const old = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
  const args = ['--import', `data:text/javascript,${old}`, bin(), 'check'];
  const { code, stdout, stderr } = await node(stranger.folder, args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^weir-edge's commands need Node 24.*\nnpx -p node@24 -p weir-edge weir-edge …\n$/);
});

describe('npx weir-edge init', () => {
  it('writes from flags a project about which check has nothing to say, and which wrangler bundles', async () => {
    const made = await node(stranger.folder, [
      bin(),
      'init',
      'flags',
      ...FLAGS,
      '--route',
      'api.example.com/*',
      '--yes',
    ]);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const checked = await node(project('flags'), [bin(), 'check', '--strict']);
    expect([checked.code, checked.stdout.includes('subject: 3/hour')]).toEqual([0, true]);
    const deployed = await node(project('flags'), [wrangler(), 'deploy', '--dry-run', '--outdir', 'dist']);
    expect(deployed.code).toBe(0);
    expect(read('flags', 'wrangler.jsonc')).toContain('"zone_name": "example.com"');
    expect(read('flags', '.gitignore')).toContain('.dev.vars');
  });

  it('asks for what flags leave open, and again where an answer does not do', async () => {
    const answers =
      'login.example.com\nhttps://login.example.com/\nhttps://api.example.com\n10r/s\n3/hour\n\n\n';
    const made = await node(
      stranger.folder,
      [bin(), 'init', 'prompts', '--origin', 'https://api.example.net'],
      answers,
    );
    expect(made.code).toBe(0);
    expect(made.stderr).toContain('Write `JWT_ISSUER = "https://login.example.com"`.');
    expect(made.stderr).toContain('Write `LIMITS = "10/second"`.');
    expect(read('prompts', 'wrangler.jsonc')).toContain('"LIMITS": "3/hour"');
  });

  it('replaces nothing that is there, and says what it needs', async () => {
    const again = await node(stranger.folder, [bin(), 'init', 'flags', ...FLAGS, '--yes']);
    expect([again.code, again.stderr.split('\n').length]).toEqual([2, 2]);
    expect(again.stderr).toContain('wrangler.jsonc');
    const nothing = await node(stranger.folder, [bin(), 'init', 'nothing']);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain('--issuer: expected an answer');
    expect(existsSync(project('nothing'))).toBe(false);
  });

  // `npm run soak`: wrangler dev takes a while to start.
  it.runIf(process.env.SOAK)(
    'guards under wrangler dev: a token passes, none does not, and a quota is a quota',
    async () => {
      const folder = project('flags');
      const example = read('flags', '.dev.vars.example').replace('http://127.0.0.1:3000', origin.url);
      writeFileSync(join(folder, '.dev.vars'), example);
      appendFileSync(join(folder, '.dev.vars'), (await node(folder, [bin(), 'token', '--dev-vars'])).stdout);
      const token = (await node(folder, [bin(), 'token'])).stdout.trim();
      const url = await startDev(folder);
      const status = async (headers: Record<string, string>) =>
        (await fetch(`${url}/echo`, { headers })).status;
      expect(await status({})).toBe(401);
      const statuses: number[] = [];
      for (let i = 0; i < 4; i++) statuses.push(await status({ Authorization: `Bearer ${token}` }));
      expect(statuses).toEqual([200, 200, 200, 429]);
      expect((await fetch(`${url}/.weir/health`)).status).toBe(200);
    },
    60_000,
  );
});
