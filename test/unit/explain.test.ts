// `npm run explain`: the real command, without a running Weir.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { examine } from '../../tools/check/examine.ts';
import { readTargets } from '../../tools/check/targets.ts';
import { type Explanation, explain } from '../../tools/explain/explanation.ts';
import type { Question } from '../../tools/explain/request.ts';

// Some cases start Node, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const directory = mkdtempSync(join(tmpdir(), 'weir-explain-'));
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(() =>
  writeFileSync(
    join(directory, 'wrangler.toml'),
    `
[vars]
JWT_ISSUER = "https://login.example.com/"
JWT_AUDIENCE = "api"
TIER_CLAIM = "plan"
TIERS = '{"pro":"1000/minute"}'
IP_LIMITS = "600/minute"
GLOBAL_LIMITS = "9000/hour"
[[vars.ROUTES]]
name = "login"
match = "/login"
methods = ["POST"]
auth = "none"
limits = "5/minute"
[[vars.ROUTES]]
name = "search"
match = "/api/search/*"
limits = "10/minute"
algorithm = "gcra"
cost = 5
[[vars.ROUTES]]
name = "admin"
match = "/admin/*"
scopes = ["admin"]
[[vars.ROUTES]]
name = "reports"
match = "/reports"
limits = { gold = "9/minute; 7/minute by team@home", default = "5/minute" }
[env.staging.vars]
JWT_ISSUER = "https://login.example.com/"
LIMITS = "7/minute"
[env.broken.vars]
LIMITS = "7 a minute"
`,
  ),
);

const command = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const tool = join(import.meta.dirname, '../../tools/explain.ts');
    execFile(process.execPath, [tool, ...args], { cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

const config = () => {
  const [target] = readTargets(join(directory, 'wrangler.toml'));
  const examined = target && examine(target).config;
  if (examined === undefined) throw new Error('the configuration of this test is wrong');
  return examined;
};

/** What the command is made of, in this process: starting Node for every case would take most of the time. */
const explained = (url: string, question: Partial<Question> = {}): Promise<Explanation> =>
  explain(config(), {
    method: 'GET',
    url,
    token: undefined,
    address: undefined,
    preflight: false,
    ...question,
  });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const GOOD = { iss: 'https://login.example.com/', aud: 'api', sub: 'alice', exp: 9_999_999_999, plan: 'pro' };

const token = (claims: object = {}, header: object = {}) =>
  `${part({ alg: 'RS256', typ: 'JWT', ...header })}.${part({ ...GOOD, ...claims })}.c2ln`;

/** `partition policy cost by whom`, one a policy. */
const chargesOf = ({ partitions }: Explanation) =>
  partitions.flatMap(({ kind, cost, policies }) =>
    policies.map(({ name, setBy }) => `${kind} ${name} x${cost} ${setBy}`),
  );

describe('npm run explain', () => {
  it('names route, tier, partitions, policies and cost', async () => {
    const explanation = await explained('https://api.example.com/api/search/x?q=1', { token: token() });
    expect(explanation).toMatchObject({
      route: { name: 'search', auth: 'required', mode: 'enforce' },
      caller: 'subject',
      subject: 'alice',
      issuer: 'https://login.example.com/',
      tier: 'pro',
    });
    expect(explanation.refusal).toBeUndefined();
    expect(explanation.reasons).toEqual([
      'ROUTES[1] is the first that matches: any method, /api/search/*',
      'The claim plan names the tier pro, whose limits replace LIMITS.',
    ]);
    expect(chargesOf(explanation)).toEqual([
      'subject 1000/minute x5 TIERS.pro',
      'subject search:10/minute x5 route search',
      'address ip:600/minute x5 IP_LIMITS',
      'global global:9000/hour x5 GLOBAL_LIMITS',
    ]);
  });

  it('says why a tier is not the one the token names', async () => {
    const unknown = await explained('https://a.example/', { token: token({ plan: 'gold' }) });
    expect(unknown.reasons).toContain(
      'TIERS has no entry gold, which the claim plan names, so the limits are those of LIMITS.',
    );
    expect(chargesOf(unknown)[0]).toBe('subject 100/minute x1 LIMITS');
    const none = await explained('https://a.example/', { token: token({ plan: undefined }) });
    expect(none.reasons).toContain('The token has no claim plan, so the limits are those of LIMITS.');
  });

  it('says that only the route has limits for a tier', async () => {
    const explanation = await explained('https://a.example/reports', { token: token({ plan: 'gold' }) });
    expect(explanation.reasons).toContain(
      'The claim plan names the tier gold, for which the route has limits; TIERS has no entry of that name.',
    );
    expect(chargesOf(explanation)[1]).toBe('subject reports:9/minute x1 route reports');
  });

  it('says whose limit it is that counts by a claim, whatever the claim is called', async () => {
    const claims = { plan: 'gold', 'team@home': 'ours' };
    const explanation = await explained('https://a.example/reports', { token: token(claims) });
    expect(chargesOf(explanation)).toContain('team@home reports:7/minute by team@home x1 route reports');
  });

  it('charges an anonymous caller by address', async () => {
    const explanation = await explained('https://a.example/login', { address: '192.0.2.1', method: 'POST' });
    expect(explanation).toMatchObject({ caller: 'anonymous', route: { name: 'login' } });
    expect(explanation.partitions[0]?.of).toBe('192.0.2.1');
    expect(chargesOf(explanation)).toEqual([
      'address 60/minute x1 ANONYMOUS_LIMITS',
      'address login:5/minute x1 route login',
      'address ip:600/minute x1 IP_LIMITS',
      'global global:9000/hour x1 GLOBAL_LIMITS',
    ]);
  });

  it('charges a preflight as one', async () => {
    const explanation = await explained('https://a.example/api/search/x', {
      preflight: true,
      method: 'OPTIONS',
    });
    expect(explanation.refusal).toBeUndefined();
    expect(chargesOf(explanation)[0]).toBe('address preflight:600/minute x1 PREFLIGHT_LIMITS');
  });

  it.for<[what: string, claims: object, header: object, reason: string, why: string]>([
    ['an expired token', { exp: 1 }, {}, 'token_expired', 'it expired at 1970-01-01T00:00:01.000Z'],
    ['a token for later', { nbf: 9e9 }, {}, 'claim_nbf', 'it is not valid before 2255-03-14T16:00:00.000Z'],
    ['another issuer', { iss: 'evil' }, {}, 'issuer_unknown', 'its issuer evil is not trusted'],
    ['another audience', { aud: ['shop'] }, {}, 'claim_aud', 'it is for the audience shop, not for api'],
    [
      'another algorithm',
      {},
      { alg: 'HS256' },
      'alg_not_allowed',
      'its alg HS256 is not one of RS256, PS256, ES256, EdDSA, Ed25519',
    ],
    ['no subject', { sub: undefined }, {}, 'subject_unusable', 'none of sub is a text or a whole number'],
    [
      'a date in text',
      { exp: '9999999999' },
      {},
      'claim_exp',
      'its exp is "9999999999", not a number of seconds',
    ],
    [
      'a token from the future',
      { iat: 9e9 },
      {},
      'claim_iat',
      'it was issued at 2255-03-14T16:00:00.000Z, which is to come',
    ],
  ])('says that %s is refused, and what to do', async ([, claims, header, reason, why]) => {
    const { refusal } = await explained('https://a.example/', { token: token(claims, header) });
    expect(refusal).toMatchObject({ status: 401, reason, why: `the token is not accepted: ${why}` });
    expect(refusal?.fix.length).toBeGreaterThan(10);
  });

  it('says what a token lacks for a route, and that no token is none', async () => {
    const lacking = await explained('https://a.example/admin/x', { token: token({ scope: 'read' }) });
    expect(lacking.refusal).toMatchObject({
      status: 403,
      reason: 'scope_missing',
      why: 'the token lacks the scope admin',
    });
    const granted = await explained('https://a.example/admin/x', { token: token({ scope: 'read admin' }) });
    expect(granted.refusal).toBeUndefined();
    const none = await explained('https://a.example/admin/x');
    expect(none).toMatchObject({ refusal: { status: 401, reason: 'token_missing' }, partitions: [] });
    const junk = await explained('https://a.example/admin/x', { token: 'junk' });
    expect(junk.refusal).toMatchObject({ status: 401, reason: 'token_opaque' });
    expect(junk.refusal?.fix).toContain('audience');
  });

  it('verifies the signature where the key is at hand', async () => {
    const secret = { JWT_SECRET: 'a secret of at least 32 bytes in all' };
    const ask = { method: 'GET', url: 'https://a.example/', address: undefined, preflight: false };
    const forged = token({ iss: undefined }, { alg: 'HS256' });
    const { refusal } = await explain(parseConfig(secret), { ...ask, token: forged });
    expect(refusal).toMatchObject({ reason: 'signature_invalid' });
  });

  it('shows how an origin might read a path, and which routes that leads to', async () => {
    const { route, readings, reasons } = await explained(
      'https://a.example/api/search/..%2f..%2f..%2fadmin/x',
      { token: token() },
    );
    expect(route).toMatchObject({ name: 'search+admin', scopes: ['admin'] });
    expect(readings.map(({ path }) => path)).toContain('/admin/x');
    expect(reasons[0]).toBe(
      'An origin may read this path in several ways; the request meets the demands of every route they lead to.',
    );
  });

  it('reads the environment that is asked for, and prints JSON', async () => {
    const { stdout } = await command('--json', '--env', 'staging', '--token', token(), 'https://a.example/');
    expect(chargesOf(JSON.parse(stdout))).toEqual(['subject 7/minute x1 LIMITS']);
  });

  it('prints for people, without colours where the output is no terminal', async () => {
    const { stdout, stderr, code } = await command('--token', token(), 'GET', 'https://a.example/x');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toBe(`GET https://a.example/x

route   default (auth required, enforce)
caller  alice of https://login.example.com/
tier    pro
signed  not checked, since the issuer’s keys were not fetched: ask with --live
why     No entry of ROUTES matches, so the defaults hold.
why     The claim plan names the tier pro, whose limits replace LIMITS.

It spends:

PARTITION  OF                                   POLICY            ALGORITHM       SET BY         COST
subject    alice of https://login.example.com/  1000/minute       sliding-window  TIERS.pro      1
address    the client’s address                 ip:600/minute     sliding-window  IP_LIMITS      1
global     all callers                          global:9000/hour  sliding-window  GLOBAL_LIMITS  1
`);
  });

  it('answers wrong use with 2 and a broken configuration with 1, in a line each', async () => {
    const [nothing, relative, nowhere, broken, help] = await Promise.all([
      command(),
      command('GET', 'a.example'),
      command('--env', 'nowhere', 'https://a.example'),
      command('--env', 'broken', 'https://a.example'),
      command('--help'),
    ]);
    expect(nothing).toMatchObject({ code: 2, stdout: '' });
    expect(relative).toMatchObject({ code: 2, stderr: 'a.example: expected an http or https URL\n' });
    expect(nowhere).toMatchObject({ code: 2, stdout: '' });
    expect(broken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('`7 a minute`') });
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: npm run explain') });
  });
});
