// `npm run explain` against a running Weir: what it says is left is what Weir counts.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../fixtures/client.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { AUDIENCE, bearer, ISSUER, mint, publicKey, startWeir, type Weir } from '../fixtures/weir.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-explain-'));
const vars = {
  LIMITS: '20/minute',
  GLOBAL_LIMITS: '1000/minute',
  ROUTES: [{ name: 'search', match: '/search/*', limits: '10/minute', cost: 5 }],
};

const trusted = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_PUBLIC_KEY: publicKey };

let origin: Origin;
let weir: Weir;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({ vars: { ORIGIN_URL: origin.url, ...vars } });
  writeFileSync(join(directory, 'wrangler.toml'), stringify({ vars: { ...vars, ...trusted } }));
});
afterAll(async () => {
  await weir.close();
  await origin.close();
  rmSync(directory, { recursive: true });
});

const explain = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const tool = join(import.meta.dirname, '../../tools/explain.ts');
    execFile(process.execPath, [tool, ...args], { cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

describe('npm run explain --weir', () => {
  it('makes one real request, says so, and shows what is left of each policy', async () => {
    const before = origin.count;
    const args = [
      '--weir',
      `${weir.url}/`,
      '--token',
      await mint({ sub: 'alice' }),
      'https://api.example.com/search/x?q=1',
    ];
    const { code, stdout, stderr } = await explain('--json', ...args);
    expect(code).toBe(0);
    expect(stderr).toBe(`Sending GET /search/x to ${weir.url}/, which spends permits.\n`);
    expect(JSON.parse(stdout).answer).toMatchObject({
      status: 200,
      left: {
        '20/minute': { remaining: 15 },
        'search:10/minute': { remaining: 5 },
        'global:1000/minute': { remaining: 995 },
      },
    });
    expect(origin.count).toBe(before + 1);
    expect(origin.last.url).toBe('/search/x?q=1');
  });

  it('prints the same for people', async () => {
    const { stdout } = await explain(
      '--weir',
      weir.url,
      '--token',
      await mint({ sub: 'bob' }),
      'https://a.example/x',
    );
    expect(stdout).toMatch(/^answer +200$/m);
    expect(stdout).toMatch(/^PARTITION .* LEFT +RESETS IN$/m);
    expect(stdout).toMatch(/^subject +bob of .* 20\/minute .* 1 +19 +\d+ s$/m);
  });

  it('names the partitions that Weir itself asks', async () => {
    const { stdout } = await explain(
      '--json',
      '--token',
      await mint({ sub: 'carol' }),
      'https://a.example/x',
    );
    const known = await weir.limiterIds();
    await call(weir.url, { headers: await bearer({ sub: 'carol' }) });
    const asked = (await weir.limiterIds()).filter((id) => !known.includes(id));
    const { partitions } = JSON.parse(stdout) as { partitions: { kind: string; limiter: string }[] };
    const { limiter = '' } = partitions.find(({ kind }) => kind === 'subject') ?? {};
    const namespace = await weir.runtime.miniflare.getDurableObjectNamespace('LIMITER', 'weir');
    expect(asked).toEqual([namespace.idFromName(limiter).toString()]);
  });

  it.each(['header:x-access-token', 'cookie:session', 'query:access_token'])(
    'sends the token where Weir reads it: TOKEN_SOURCES=%s',
    async (TOKEN_SOURCES) => {
      const elsewhere = await startWeir({
        vars: { ORIGIN_URL: origin.url, LIMITS: '20/minute', TOKEN_SOURCES },
      });
      const config = join(directory, 'elsewhere.toml');
      writeFileSync(config, stringify({ vars: { ...trusted, LIMITS: '20/minute', TOKEN_SOURCES } }));
      const token = await mint({ sub: 'dave' });
      const args = ['--config', config, '--weir', elsewhere.url, '--token', token, 'https://a.example/x?q=1'];
      const { stdout } = await explain('--json', ...args).finally(elsewhere.close);
      const left = { '20/minute': { remaining: 19 } };
      expect(JSON.parse(stdout).answer).toMatchObject({ status: 200, left });
      expect(origin.last.url).toMatch(/^\/x\?q=1(&|$)/);
    },
  );

  it('sends what a field of the question holds', async () => {
    const field = `Authorization: Bearer ${await mint({ sub: 'erin' })}`;
    const { stdout } = await explain('--json', '--weir', weir.url, '--header', field, 'https://a.example/x');
    expect(JSON.parse(stdout).answer).toMatchObject({
      status: 200,
      left: { '20/minute': { remaining: 19 } },
    });
  });

  it('sends a preflight for a preflight, without a token', async () => {
    const args = ['--preflight', '--weir', weir.url, '--token', await mint({ sub: 'frank' })];
    const { stderr } = await explain(...args, 'PUT', 'https://a.example/x');
    expect(stderr).toContain('Sending OPTIONS /x');
    expect(origin.last).toMatchObject({ method: 'OPTIONS', url: '/x' });
  });

  it('says in a line that nobody answers there', async () => {
    const { code, stdout, stderr } = await explain('--weir', 'http://127.0.0.1:1', 'https://a.example/x');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).not.toContain('    at ');
  });
});
