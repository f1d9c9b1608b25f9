// `npm run check`: the real command on wrangler.toml files of every kind.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'weir-check-'));
afterAll(() => rmSync(directory, { recursive: true }));

const BINDINGS = `
[[durable_objects.bindings]]
name = "LIMITER"
class_name = "Limiter"
[[ratelimits]]
name = "AUTH_FAILURES"
namespace_id = "1001"
simple = { limit = 60, period = 60 }
`;

const ROUTE = `
workers_dev = false
[[routes]]
pattern = "api.example.com/*"
zone_name = "example.com"
`;

const TRUST = `
[vars]
JWT_ISSUER = "https://login.example.com/"
JWT_AUDIENCE = "https://api.example.com"
`;

const SAFE = ROUTE + BINDINGS + TRUST;

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const command = (...args: string[]): Promise<Answer> =>
  new Promise((resolve) => {
    const tool = join(import.meta.dirname, '../../tools/check.ts');
    execFile(process.execPath, [tool, ...args], { cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

let runs = 0;

/** Writes the files into a folder of their own and checks them there. */
const check = async (toml: string, devVars: Record<string, string> = {}) => {
  const folder = mkdtempSync(join(directory, `${runs++}-`));
  writeFileSync(join(folder, 'wrangler.toml'), toml);
  for (const [name, text] of Object.entries(devVars)) writeFileSync(join(folder, name), text);
  const { code, stdout } = await command('--json', '--config', join(folder, 'wrangler.toml'));
  const { targets } = JSON.parse(stdout) as { targets: readonly Target[] };
  const found = targets.flatMap(({ name, findings }) =>
    findings.map(({ level, code }) => `${name}: ${level} ${code}`),
  );
  return { code, targets, found };
};

interface Target {
  readonly name: string;
  readonly deployed: boolean;
  readonly findings: readonly { level: string; code: string; message: string; mend: string }[];
  readonly policies: readonly {
    route: string;
    caller: string;
    cost: number;
    policies: Record<string, string[]>;
  }[];
}

describe.concurrent('npm run check', () => {
  it('finds nothing wrong with a safe configuration, and exits with 0', async ({ expect }) => {
    expect(await check(SAFE)).toMatchObject({ code: 0, found: [] });
  });

  it('shows the policies of every route, caller and tier', async ({ expect }) => {
    const { targets } = await check(`${SAFE}
IP_LIMITS = "600/minute"
GLOBAL_LIMITS = "9000/minute"
TIER_CLAIM = "plan"
[vars.TIERS]
pro = "1000 per minute"
[[vars.ROUTES]]
name = "search"
match = "/search"
auth = "optional"
limits = "10/minute"
cost = 5
[[vars.ROUTES]]
name = "health"
match = "/health"
limits = "none"
`);
    const rows = targets[0]?.policies.map(({ route, caller, cost, policies }) => [
      route,
      caller,
      cost,
      policies,
    ]);
    const shared = { address: ['ip:600/minute'], global: ['global:9000/minute'] };
    expect(rows).toEqual([
      ['search', 'subject', 5, { subject: ['100/minute', 'search:10/minute'], ...shared }],
      ['search', 'subject, tier pro', 5, { subject: ['1000/minute', 'search:10/minute'], ...shared }],
      ['search', 'anonymous', 5, { ...shared, address: ['60/minute', 'search:10/minute', 'ip:600/minute'] }],
      ['health', 'subject', 1, { global: ['global:9000/minute'] }],
      ['health', 'subject, tier pro', 1, { global: ['global:9000/minute'] }],
      ['default', 'subject', 1, { subject: ['100/minute'], ...shared }],
      ['default', 'subject, tier pro', 1, { subject: ['1000/minute'], ...shared }],
      ['default', 'preflight', 1, { ...shared, address: ['preflight:600/minute', 'ip:600/minute'] }],
    ]);
  });

  it.for<[why: string, toml: string, ...found: string[]]>([
    ['a var that the Worker refuses', `${SAFE}LIMITS = "ten/minute"`, 'production: error config-error'],
    ['nobody to trust', ROUTE + BINDINGS, 'production: error config-error'],
    [
      'no audience',
      `${ROUTE}${BINDINGS}[vars]\nJWT_ISSUER = "https://a.example"`,
      'production: warning no-audience',
    ],
    [
      'a secret in [vars]',
      `${ROUTE}${BINDINGS}[vars]\nJWT_AUDIENCE = "a"\nJWT_SECRET = "0123456789012345678901234567890123456789"`,
      'production: error secret-in-vars',
    ],
    [
      'workers_dev and preview_urls on beside a zone route',
      SAFE.replace('workers_dev = false', 'workers_dev = true\npreview_urls = true'),
      'production: warning workers-dev-open',
      'production: warning workers-dev-open',
    ],
    [
      'a catch-all without authentication',
      `${SAFE}[[vars.ROUTES]]\nname = "all"\nmatch = "/*"\nauth = "none"`,
      'production: warning open-catch-all',
    ],
    ['a catch-all that asks for a token', `${SAFE}[[vars.ROUTES]]\nname = "all"\nmatch = "/*"\ncost = 2`],
    [
      'a global limit that fails open',
      `${SAFE}GLOBAL_LIMITS = "1000/minute"\nON_LIMITER_ERROR = "open"`,
      'production: warning global-fails-open',
    ],
    [
      'a short global window',
      `${SAFE}GLOBAL_LIMITS = "1000/31 seconds"`,
      'production: warning global-window-short',
    ],
    ['a global window of 32 seconds', `${SAFE}GLOBAL_LIMITS = "1000/32 seconds"`],
    [
      'a global gcra limit',
      `${SAFE}GLOBAL_LIMITS = "9/hour"\nALGORITHM = "gcra"`,
      'production: warning global-window-short',
    ],
    [
      'a var of more than 5 KB',
      `${SAFE}CORS_ORIGINS = "${'https://a.example,'.repeat(300)}https://b.example"`,
      'production: error var-too-large',
    ],
    [
      'a route behind one that matches all it matches',
      `${SAFE}[[vars.ROUTES]]\nname = "api"\nmatch = "/api/*"\n[[vars.ROUTES]]\nname = "search"\nmatch = "/api/search/:what"`,
      'production: warning unreachable-route',
    ],
    [
      'a route behind one for other methods, and one for numbers only',
      `${SAFE}[[vars.ROUTES]]\nname = "write"\nmatch = "/api/*"\nmethods = ["POST"]\n[[vars.ROUTES]]\nname = "one"\nmatch = "/api/:id(\\\\d+)"\n[[vars.ROUTES]]\nname = "read"\nmatch = "/api/:id"`,
    ],
    [
      'tiers that no claim names',
      `${SAFE}TIERS = '{"pro":"9/minute"}'`,
      'production: warning tiers-without-claim',
    ],
    ['a var of no meaning', `${SAFE}LIMTIS = "10/minute"`, 'production: warning unknown-var'],
    [
      'an origin in the clear',
      `${SAFE}ORIGIN_URL = "http://origin.example"`,
      'production: warning plain-http-origin',
    ],
    [
      'a custom domain without an origin',
      SAFE.replace('zone_name = "example.com"', 'custom_domain = true'),
      'production: error no-origin',
    ],
    [
      'a flag that sends the Worker to itself',
      `compatibility_flags = ["global_fetch_strictly_public"]\n${SAFE}`,
      'production: error origin-loop',
    ],
    ['no route', `workers_dev = false\n${BINDINGS}${TRUST}`, 'production: warning no-route'],
    [
      'an environment, which inherits neither vars nor bindings',
      `${SAFE}[env.staging]\n`,
      'staging: error config-error',
      'staging: error missing-binding',
      'staging: error missing-binding',
    ],
  ])('names %s', async ([, toml, ...found], { expect }) => {
    const result = await check(toml);
    expect(result.found).toEqual(found);
    expect(result.code).toBe(found.some((each) => each.includes('error')) ? 1 : 0);
  });

  it('says of every finding what to do', async ({ expect }) => {
    const { targets } = await check('LIMITS = 5');
    const findings = targets.flatMap((target) => target.findings);
    expect(findings.length).toBeGreaterThan(2);
    for (const { message, mend } of findings) expect([message, mend]).not.toContain('');
  });

  it('takes a secret that [secrets] requires as set, and one of .dev.vars where nothing else names a key', async ({
    expect,
  }) => {
    const keyless = `${ROUTE}${BINDINGS}[vars]\nJWT_AUDIENCE = "a"\n`;
    const devVars = { '.dev.vars': 'JWT_SECRET="0123456789012345678901234567890123456789"\n' };
    expect((await check(`${keyless}[secrets]\nrequired = ["JWT_SECRET"]`)).found).toEqual([]);
    expect((await check(keyless, devVars)).found).toEqual([]);
    expect((await check(keyless)).found).toEqual(['production: error config-error']);
  });

  it('does not take a local secret for one that is deployed beside another key source', async ({
    expect,
  }) => {
    const toml = `${SAFE}JWKS_URL = "https://login.example.com/jwks"\n`;
    const { found } = await check(toml, {
      '.dev.vars': 'JWKS_URL=\nJWT_SECRET="0123456789012345678901234567890123456789"\n',
    });
    expect(found).toEqual([]);
  });

  it('checks what wrangler dev would run, with the .dev.vars of the environment', async ({ expect }) => {
    const staging = `${BINDINGS}${TRUST}`
      .replaceAll('[[', '[[env.staging.')
      .replace('[vars]', '[env.staging.vars]');
    const { found, targets } = await check(SAFE + staging, {
      '.dev.vars': 'MODE=shadow\n',
      '.dev.vars.staging': 'MODE=shady\n',
    });
    expect(targets.map(({ name, deployed }) => [name, deployed])).toEqual([
      ['production', true],
      ['production, local', false],
      ['staging', true],
      ['staging, local', false],
    ]);
    expect(found).toEqual(['staging, local: error config-error']);
  });

  it('never shows a secret', async ({ expect }) => {
    const folder = mkdtempSync(join(directory, 'secret-'));
    const path = join(folder, 'wrangler.toml');
    writeFileSync(path, `${SAFE}JWT_SECRET = "hunter2"\nADMIN_TOKEN = "hunter2"\n`);
    for (const args of [[], ['--json']]) {
      const { stdout, stderr } = await command('--config', path, ...args);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  it('prints an aligned table without colours where the output is no terminal', async ({ expect }) => {
    const folder = mkdtempSync(join(directory, 'table-'));
    writeFileSync(join(folder, 'wrangler.toml'), `${SAFE}LIMTIS = "x"\n`);
    const { stdout, code } = await command('--config', join(folder, 'wrangler.toml'));
    expect(code).toBe(0);
    expect(stdout).toBe(`production

ROUTE    MATCH  METHODS  CALLER     MODE     COST  POLICIES
default  *      *        subject    enforce  1     subject: 100/minute
default  *      *        preflight  enforce  1     address: preflight:600/minute

warning unknown-var  Weir does not know LIMTIS.
  Check its spelling, or remove it.
`);
  });

  it('explains itself, and answers wrong use with 2 and one line', async ({ expect }) => {
    expect(await command('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: npm run check'),
    });
    expect(await command('--confg', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--confg'),
    });
    expect(await command('--config', 'nowhere.toml')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'nowhere.toml: no such file\n',
    });
    writeFileSync(join(directory, 'broken.toml'), 'a = ');
    const broken = await command('--config', 'broken.toml');
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).not.toContain('    at ');
  });

  it('reads the wrangler.toml of this project, whose only errors are what the user must fill in', async ({
    expect,
  }) => {
    const { stdout } = await command('--json', '--config', join(import.meta.dirname, '../../wrangler.toml'));
    const { targets } = JSON.parse(stdout) as { targets: readonly Target[] };
    const deployed = targets.filter((target) => target.deployed).flatMap(({ findings }) => findings);
    expect(deployed.map(({ code }) => code)).toEqual(['config-error', 'no-route']);
  });
});
