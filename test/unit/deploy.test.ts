// Which environment `npm run deploy` checks: the one that wrangler would deploy.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withTail } from '../fixtures/configurations/base.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-deploy-'));
afterAll(() => rmSync(directory, { recursive: true }));

const tool = (name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [join(import.meta.dirname, `../../tools/${name}.ts`), ...args], {
    encoding: 'utf8',
    // Without an account wrangler would get no further, were it run.
    env: { ...process.env, CLOUDFLARE_API_TOKEN: '', CI: '1', ...env },
  });

describe('npm run deploy', () => {
  it('stops at what is wrong with the environment that CLOUDFLARE_ENV names', () => {
    const config = join(directory, 'wrangler.toml');
    writeFileSync(config, withTail('[env.staging]'));
    const { status, stdout } = tool('deploy', ['--config', config], { CLOUDFLARE_ENV: 'staging' });
    expect(stdout).toMatch(/^staging\n/);
    expect(status).toBe(1);
  });
});

describe('every command', () => {
  it('reads options behind the `--` that pnpm hands on', () => {
    const { status, stderr } = tool('token', ['--', '--ttl', 'soon']);
    expect([status, stderr]).toEqual([2, '--ttl: expected a time such as 90s, 15m, 1h or 7d, got soon\n']);
  });
});
