// `npm run weir` against the built Worker: every verb, for people and for scripts.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN } from '../fixtures/admin.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, ISSUER, mint, startWeir, type Weir } from '../fixtures/weir.ts';

let origin: Origin;
let weir: Weir;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({
    vars: { ORIGIN_URL: origin.url, LIMITS: '10/minute', TIER_CLAIM: 'https://acme.com/plan' },
    secrets: { ADMIN_TOKEN, PARTITION_SECRET: 'sixteen bytes at least' },
  });
});

afterAll(async () => {
  await weir.close();
  await origin.close();
});

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the tool with WEIR_URL and WEIR_ADMIN_TOKEN set, unless `env` says otherwise. */
const run = (args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Run> =>
  new Promise((resolve) => {
    const tool = join(import.meta.dirname, '../../tools/weir.ts');
    const options = { env: { ...process.env, WEIR_URL: weir.url, WEIR_ADMIN_TOKEN: ADMIN_TOKEN, ...env } };
    const child = execFile(process.execPath, [tool, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.end(input);
  });

const call = async (sub: string, claims = {}) =>
  (await weir.fetch('/echo', { headers: await bearer({ sub, ...claims }) })).status;

/** What a verb says to people and to scripts; both must end well. */
const both = async (...args: string[]): Promise<{ text: string; json: Record<string, unknown> }> => {
  const people = await run(args);
  const scripts = await run([...args, '--json']);
  expect([people.stderr, people.code, scripts.stderr, scripts.code]).toEqual(['', 0, '', 0]);
  return { text: people.stdout, json: JSON.parse(scripts.stdout) };
};

describe('npm run weir', () => {
  it('status: whether Weir works, and its configuration without secrets', async () => {
    const { text, json } = await both('status');
    expect(text).toContain(`${weir.url}: ok\n`);
    expect(text).toMatch(/^limiterTimeoutMs +1000$/m);
    expect(text).toMatch(/^adminToken +\*\*\*$/m);
    expect(text).toMatch(/^tokens\.tierClaim +https:\/\/acme\.com\/plan$/m);
    expect(json).toMatchObject({ status: 'ok', config: { limiterTimeoutMs: 1000 } });
    expect(text + JSON.stringify(json)).not.toContain(ADMIN_TOKEN);
  });

  it('status: needs no token to say whether Weir works', async () => {
    const { code, stdout } = await run(['status'], { WEIR_ADMIN_TOKEN: '' });
    expect([code, stdout]).toEqual([0, `${weir.url}: ok\n`]);
  });

  it('status: says that another server is not a Weir', async () => {
    const { code, stdout, stderr } = await run(['status', '--url', origin.url]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/is not a Weir/);
  });

  it('status: exit code 1 where the configuration is wrong', async () => {
    const bad = await startWeir({ vars: { LIMITS: 'ten/minute' } });
    const { code, stdout } = await run(['status', '--url', bad.url]);
    expect([code, stdout]).toEqual([1, `${bad.url}: misconfigured\n`]);
    await bad.close();
  });

  it('subject: what is left of each policy, aligned and without colours in a pipe', async () => {
    await call('ann');
    const { text, json } = await both('subject', 'ann', '--issuer', ISSUER);
    const [title, head, row] = text.split('\n');
    expect(title).toBe(`ann of ${ISSUER}`);
    expect(head).toBe('policy     algorithm       left  of  resets in');
    expect(row).toMatch(/^10\/minute {2}sliding-window {2}9 {5}10 {2}\d+ s$/);
    expect(text).toMatch(/^seen +20.*Z to 20.*Z$/m);
    expect(text).toMatch(/^in logs +[0-9a-f]{32}$/m);
    expect(json).toMatchObject({ subject: 'ann', policies: [{ name: '10/minute', remaining: 9 }] });
  });

  it('subject: an address too', async () => {
    const { text, json } = await both('subject', '--address', '192.0.2.1');
    expect(text).toMatch(/^192\.0\.2\.1\nnothing spent\n/);
    expect(json).toMatchObject({ address: '192.0.2.1', policies: [] });
  });

  it('reset: forgets what was spent', async () => {
    await call('rob');
    const { json } = await both('reset', 'rob');
    expect(json).toMatchObject({ subject: 'rob', policies: [] });
    const answer = await weir.fetch('/echo', { headers: await bearer({ sub: 'rob' }) });
    expect(answer.headers.get('RateLimit')).toContain('r=9;');
  });

  it('override: other limits for a while, and --lift', async () => {
    const set = await both('override', 'oto', '--limits', 'blocked', '--for', '1h', '--reason', 'a scraper');
    expect(set.text).toMatch(/^override +blocked until 20.*Z: a scraper$/m);
    expect(set.json).toMatchObject({ override: { limits: 'blocked', reason: 'a scraper' } });
    expect(await call('oto')).toBe(429);
    const lifted = await both('override', 'oto', '--lift');
    expect(lifted.text).not.toContain('override');
    expect(lifted.json).toMatchObject({ override: null });
  });

  it('revoke: by --jti, by --before and by --token, and --lift', async () => {
    await both('revoke', 'eve', '--jti', 'one', '--for', '1h');
    await both('revoke', 'eve', '--before', '2026-01-01T00:00:00Z');
    const { text, json } = await both('revoke', '--token', await mint({ sub: 'eve', jti: 'two' }));
    expect(text).toMatch(/^revoked +all issued before 2026-01-01T00:00:00.000Z$/m);
    expect(text).toMatch(/^revoked +one until 20.*Z$/m);
    expect(json).toMatchObject({ revoked: { jtis: [{ jti: 'one' }, { jti: 'two' }] } });
    expect(await call('eve', { jti: 'two' })).toBe(401);
    expect((await both('revoke', 'eve', '--lift')).json).toMatchObject({
      revoked: { before: null, jtis: [] },
    });
  });

  it('revoke: reads a token from standard input, where no history keeps it', async () => {
    const token = await mint({ sub: 'ivy', jti: 'three' });
    const { code, stdout } = await run(['revoke', '--token', '-', '--json'], {}, `${token}\n`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ subject: 'ivy', revoked: { jtis: [{ jti: 'three' }] } });
  });
});

describe('npm run weir -- tail', () => {
  /** As `wrangler tail --format json` prints an event. */
  const event = (...messages: unknown[]) =>
    JSON.stringify(
      { outcome: 'ok', logs: [{ message: messages, level: 'log', timestamp: 1_795_219_200_000 }] },
      null,
      2,
    );
  const denied = { id: 'ray', outcome: 'denied', reason: 'quota_exceeded', status: 429, route: 'search' };
  const input = [
    'a line of something else',
    JSON.stringify(denied),
    event(JSON.stringify({ ...denied, outcome: 'unauthorized', reason: 'token_expired', status: 401 })),
    event('not ours', '{"a":1}'),
    '{"unfinished',
    JSON.stringify({ outcome: 'omitted', omitted: 40 }),
  ].join('\n');

  it('shows our lines, out of wrangler’s events as out of a plain log', async () => {
    const { code, stdout } = await run(['tail'], {}, input);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'denied 429 quota_exceeded id=ray route=search',
      '2026-11-21T00:00:00.000Z unauthorized 401 token_expired id=ray route=search',
      'omitted omitted=40',
      '',
    ]);
  });

  it('gives scripts one JSON value a line', async () => {
    const { stdout } = await run(['tail', '--json'], {}, input);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ outcome }) => outcome)).toEqual(['denied', 'unauthorized', 'omitted']);
  });

  it('reads what the Worker really logs', async () => {
    weir.clearLogs();
    await weir.fetch('/echo', { headers: { Authorization: 'Bearer no.such.token' } });
    const logged = weir
      .logs()
      .map(({ message }) => message)
      .join('\n');
    const { stdout } = await run(['tail'], {}, logged);
    expect(stdout).toMatch(/^unauthorized 401 token_malformed id=/);
  });
});

describe('npm run weir -- top', () => {
  it('counts lines by whom they are about, most first', async () => {
    const line = (outcome: string, partition: string) =>
      JSON.stringify({ outcome, route: 'search', partition });
    const input = [line('denied', 'a'), line('denied', 'b'), line('denied', 'b'), 'noise'].join('\n');
    const { code, stdout } = await run(['top'], {}, input);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'LINES  OUTCOME  ROUTE   PARTITION',
      '2      denied   search  b',
      '1      denied   search  a',
      '',
    ]);
  });
});

describe('npx weir-edge', () => {
  const bash = (script: string) =>
    new Promise<Run>((resolve) =>
      execFile('bash', ['-c', script], { cwd: join(import.meta.dirname, '../..') }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      ),
    );

  it('ends well where its reader has enough', async () => {
    const line = '{"outcome":"denied","status":429}';
    const { stdout, stderr } = await bash(
      `yes '${line}' | head -20000 | node bin/weir-edge.js tail | head -2`,
    );
    expect([stdout, stderr]).toEqual(['denied 429\ndenied 429\n', '']);
  });

  it('prints help of all its commands and of each', async () => {
    const { code, stdout } = await bash('node bin/weir-edge.js --help');
    expect(code).toBe(0);
    const names = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name);
    expect(names).toContain('check');
    const helps = await bash(
      names.map((name) => `node bin/weir-edge.js ${name} --help || exit 1`).join('\n'),
    );
    expect([helps.code, helps.stderr]).toEqual([0, '']);
  });

  it('says in a sentence that Node is too old', async () => {
    const old = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
    const { code, stderr } = await bash(`node --import 'data:text/javascript,${old}' bin/weir-edge.js check`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/need Node 24/);
    expect(stderr).not.toContain('    at ');
  });
});

describe('what goes wrong', () => {
  it.each<[string, readonly string[], Record<string, string>, number, RegExp]>([
    ['an unknown verb', ['restart'], {}, 2, /expected one of status, subject/],
    ['no verb', [], {}, 2, /expected one of status/],
    ['an unknown option', ['subject', 'a', '--all'], {}, 2, /--all/],
    ['no subject', ['subject'], {}, 2, /exactly one of a subject/],
    ['a subject and an address', ['reset', 'a', '--address', '192.0.2.1'], {}, 2, /exactly one of/],
    ['one subject too many', ['reset', 'a', 'b'], {}, 2, /expected one of/],
    ['no URL', ['status'], { WEIR_URL: '' }, 2, /--url or WEIR_URL/],
    ['an option of another verb', ['status', '--lift'], {}, 2, /--lift/],
    [
      'a token over plain http',
      ['status'],
      { WEIR_URL: 'http://api.example.com' },
      2,
      /expected an https URL/,
    ],
    ['no admin token', ['subject', 'a'], { WEIR_ADMIN_TOKEN: '' }, 2, /WEIR_ADMIN_TOKEN/],
    ['a wrong admin token', ['subject', 'a'], { WEIR_ADMIN_TOKEN: 'wrong' }, 1, /does not know this/],
    [
      'a server that is not there',
      ['status'],
      { WEIR_URL: 'http://127.0.0.1:2' },
      1,
      /cannot reach .*ECONNREFUSED/,
    ],
    [
      'bad limits',
      ['override', 'a', '--limits', '0/x', '--for', '1h', '--reason', 'r'],
      {},
      2,
      /^limits: expected/,
    ],
    [
      'a bad time',
      ['override', 'a', '--limits', 'none', '--for', 'soon', '--reason', 'r'],
      {},
      2,
      /--for: expected/,
    ],
    ['a reason left out', ['override', 'a', '--limits', 'none', '--for', '1h'], {}, 2, /^reason: expected/],
    ['nothing to revoke', ['revoke', 'a'], {}, 2, /^jti: expected/],
    ['an unknown issuer', ['subject', 'a', '--issuer', 'https://x.test/'], {}, 2, /^issuer: expected/],
  ])('%s: says so in a line, with the exit code', async (_what, args, env, expected, message) => {
    const { code, stdout, stderr } = await run(args, env);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(stderr).not.toContain(ADMIN_TOKEN);
  });
});
