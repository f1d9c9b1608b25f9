// `npm run check`: the real command on wrangler.toml files of every kind.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { examine } from '../../tools/check/examine.ts';
import type { Finding } from '../../tools/check/finding.ts';
import { type PolicyRow, policyRows } from '../../tools/check/policy-rows.ts';
import { readTargets } from '../../tools/check/targets.ts';

// Some cases start Node, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

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

let folders = 0;

/** Writes the files into a folder of their own. */
const write = (toml: string, devVars: Record<string, string> = {}): string => {
  const folder = mkdtempSync(join(directory, `${folders++}-`));
  writeFileSync(join(folder, 'wrangler.toml'), toml);
  for (const [name, text] of Object.entries(devVars)) writeFileSync(join(folder, name), text);
  return join(folder, 'wrangler.toml');
};

/** What the command is made of, in this process: starting Node for every case would take most of the time. */
const check = (toml: string, devVars?: Record<string, string>) => {
  const targets = readTargets(write(toml, devVars)).map((target) => ({ ...target, ...examine(target) }));
  const found = targets.flatMap(({ name, findings }) =>
    findings.map(({ level, code }) => `${name}: ${level} ${code}`),
  );
  return { targets, found };
};

interface Report {
  readonly ok: boolean;
  readonly targets: readonly {
    readonly name: string;
    readonly deployed: boolean;
    readonly findings: readonly Finding[];
    readonly policies: readonly PolicyRow[];
  }[];
}

describe('npm run check', () => {
  it('finds nothing wrong with a safe configuration', () => {
    expect(check(SAFE).found).toEqual([]);
  });

  it('shows the policies of every route, caller and tier', () => {
    const { targets } = check(`${SAFE}
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
    const rows = (targets[0]?.config ? policyRows(targets[0].config) : []).map(
      ({ route, caller, cost, policies }) => [route, caller, cost, policies],
    );
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

  it('shows a tier that only a route has limits for where it has them', () => {
    const { targets, found } = check(`${SAFE}
TIER_CLAIM = "plan"
[[vars.ROUTES]]
name = "search"
match = "/search"
limits = { gold = "9/minute", default = "5/minute" }
`);
    expect(found).toEqual([]);
    const rows = targets[0]?.config ? policyRows(targets[0].config) : [];
    expect(rows.map(({ route, caller, policies: { subject } }) => [route, caller, subject?.at(-1)])).toEqual([
      ['search', 'subject', 'search:5/minute'],
      ['search', 'subject, tier gold', 'search:9/minute'],
      ['default', 'subject', '100/minute'],
      ['default', 'preflight', undefined],
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
      'a claim to count by, which tokens may lack',
      `${SAFE}LIMITS = "9/minute by org.id"`,
      'production: warning claim-may-lack',
    ],
    [
      'a parameter that anybody may fill',
      `${SAFE}[[vars.ROUTES]]\nname = "t"\nmatch = "/t/:team"\nauth = "none"\nlimits = "9/minute by :team"`,
      'production: warning open-param',
    ],
    [
      'a parameter that each caller may fill a little',
      `${SAFE}[[vars.ROUTES]]\nname = "t"\nmatch = "/t/:team"\nauth = "none"\nlimits = "9/minute by :team; 5/minute"`,
    ],
    [
      'slots that a request may hold for ever',
      `${SAFE}LIMITS = "5 at once"\nUPLOAD_IDLE_TIMEOUT_MS = "0"`,
      'production: warning slot-without-timeout',
    ],
    [
      'slots that a request may hold for minutes',
      `${SAFE}LIMITS = "5 at once"\nORIGIN_TIMEOUT_MS = "300000"`,
      'production: warning slot-without-timeout',
    ],
    [
      'slots that one caller may hold all of',
      `${SAFE}GLOBAL_LIMITS = "50 at once"`,
      'production: warning shared-slots',
    ],
    ['slots of each caller beside those of all', `${SAFE}LIMITS = "5 at once"\nGLOBAL_LIMITS = "50 at once"`],
    [
      'guesses that spend nothing',
      `${SAFE}[[vars.ROUTES]]\nname = "login"\nmatch = "/login"\nauth = "none"\nlimits = "3/minute"\ncount = ["2xx"]`,
      'production: warning guesses-free',
    ],
    [
      'a login that counts its failures',
      `${SAFE}[[vars.ROUTES]]\nname = "login"\nmatch = "/login"\nauth = "none"\nlimits = "3/minute"\ncount = [401, "5xx"]`,
    ],
    [
      'a cost of which nothing is held beforehand',
      `${SAFE}[[vars.ROUTES]]\nname = "model"\nmatch = "/model"\ncost_header = "X-Cost"`,
      'production: warning cost-untold',
    ],
    [
      'what everybody shares and every answer changes',
      `${SAFE}GLOBAL_LIMITS = "1000/minute"\n[[vars.ROUTES]]\nname = "m"\nmatch = "/m"\ncost = 9\ncost_header = "X-Cost"`,
      'production: warning global-settled',
    ],
    [
      'a status that is none',
      `${SAFE}[[vars.ROUTES]]\nname = "m"\nmatch = "/m"\ncount = ["6xx"]`,
      'production: error config-error',
    ],
    [
      'a field whose name is none',
      `${SAFE}[[vars.ROUTES]]\nname = "m"\nmatch = "/m"\ncost = 9\ncost_header = "X Cost"`,
      'production: error config-error',
    ],
    ['everybody exempt', `${SAFE}EXEMPT_ADDRESSES = "0.0.0.0/0"`, 'production: warning exempt-everybody'],
    ['a network exempt', `${SAFE}EXEMPT_ADDRESSES = "10.0.0.0/8, 2001:db8::/32"`],
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
    [
      'tiers of a route that no claim names',
      `${SAFE}[[vars.ROUTES]]\nname = "search"\nmatch = "/search"\nlimits = { gold = "9/minute", default = "5/minute" }`,
      'production: warning tiers-without-claim',
    ],
    ['a var of no meaning', `${SAFE}COLOUR = "red"`, 'production: warning unknown-var'],
    ['a misspelled var', `${SAFE}LIMTIS = "10/minute"`, 'production: error unknown-var'],
    [
      'an origin in the clear',
      `${SAFE}ORIGIN_URL = "http://origin.example"`,
      'production: warning plain-http-origin',
    ],
    [
      'a custom domain without an origin',
      SAFE.replace('/*"', '"').replace('zone_name = "example.com"', 'custom_domain = true'),
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
  ])('names %s', ([, toml, ...found]) => {
    expect(check(toml).found).toEqual(found);
  });

  it('says of every finding what to do', () => {
    const { targets } = check('LIMITS = 5');
    const findings = targets.flatMap((target) => target.findings);
    expect(findings.length).toBeGreaterThan(2);
    for (const { message, fix } of findings) expect([message, fix]).not.toContain('');
  });

  it('takes a secret that [secrets] requires as set, and one of .dev.vars where nothing else names a key', () => {
    const keyless = `${ROUTE}${BINDINGS}[vars]\nJWT_AUDIENCE = "a"\n`;
    const devVars = { '.dev.vars': 'JWT_SECRET="0123456789012345678901234567890123456789"\n' };
    expect(check(`${keyless}[secrets]\nrequired = ["JWT_SECRET"]`).found).toEqual([]);
    expect(check(keyless, devVars).found).toEqual([]);
    expect(check(keyless).found).toEqual(['production: error config-error']);
  });

  it('does not take a local secret for one that is deployed beside another key source', () => {
    const toml = `${SAFE}JWKS_URL = "https://login.example.com/jwks"\n`;
    const { found } = check(toml, {
      '.dev.vars': 'JWKS_URL=\nJWT_SECRET="0123456789012345678901234567890123456789"\n',
    });
    expect(found).toEqual([]);
  });

  it('checks what wrangler dev would run, with the .dev.vars of the environment', () => {
    const staging = `${BINDINGS}${TRUST}`
      .replaceAll('[[', '[[env.staging.')
      .replace('[vars]', '[env.staging.vars]');
    const { found, targets } = check(SAFE + staging, {
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

  it('never shows a secret', async () => {
    const path = write(`${SAFE}JWT_SECRET = "hunter2"\nADMIN_TOKEN = "hunter2"\n`);
    const answers = await Promise.all([command('--config', path), command('--config', path, '--json')]);
    for (const { code, stdout, stderr } of answers) {
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  it('prints an aligned table without colours where the output is no terminal', async () => {
    const { stdout, code } = await command('--config', write(`${SAFE}COLOUR = "x"\n`));
    expect(code).toBe(0);
    expect(stdout).toBe(`production

ROUTE    MATCH  METHODS  CALLER     MODE     COST  POLICIES
default  *      *        subject    enforce  1     subject: 100/minute
default  *      *        preflight  enforce  1     address: preflight:600/minute

warning unknown-var  Weir does not know COLOUR.
  Check its spelling, or remove it.
`);
  });

  it('tells what the runtime rewrites under ORIGIN_URL, and that pages read no refusal, which is no fault', async () => {
    const notes = async (vars: string): Promise<string[]> => {
      const { stdout, code } = await command('--strict', '--config', write(SAFE + vars));
      expect(code).toBe(0);
      return stdout.split('\n').filter((line) => line.startsWith('note '));
    };
    expect(await notes('')).toEqual([]);
    const [rewritten, ...more] = await notes('ORIGIN_URL = "https://origin.example.net"\n');
    for (const bytes of ["`'`", '`{`', '`}`', '`^`', '`"`', '`\\`', 'UTF-8'])
      expect(rewritten).toContain(bytes);
    expect(more).toEqual([]);
    const cookies = await notes('TOKEN_SOURCES = "cookie:session"\n');
    expect(cookies.join()).toContain('CORS_ORIGINS');
    expect(await notes('TOKEN_SOURCES = "cookie:session"\nCORS_ORIGINS = "https://a.example"\n')).toEqual([]);
  });

  it('prints JSON of the project’s own wrangler.toml, whose only errors are what its user must fill in', async () => {
    const { stdout, code } = await command(
      '--json',
      '--config',
      join(import.meta.dirname, '../../wrangler.toml'),
    );
    const { ok, targets } = JSON.parse(stdout) as Report;
    const deployed = targets.filter((target) => target.deployed).flatMap(({ findings }) => findings);
    expect(deployed.map((finding) => finding.code)).toEqual(['config-error', 'no-route']);
    expect({ ok, code }).toEqual({ ok: false, code: 1 });
  });

  it('explains itself, and answers wrong use with 2 and one line', async () => {
    const broken = write('a = ');
    const [help, misspelt, nowhere, unreadable] = await Promise.all([
      command('--help'),
      command('--confg', 'x'),
      command('--config', 'nowhere.toml'),
      command('--config', broken),
    ]);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: npm run check') });
    expect(misspelt).toMatchObject({ code: 2, stderr: expect.stringContaining('--confg') });
    expect(nowhere).toEqual({ code: 2, stdout: '', stderr: 'nowhere.toml: no such file\n' });
    expect(unreadable).toMatchObject({ code: 2, stdout: '' });
    expect(unreadable?.stderr).not.toContain('    at ');
  });
});
