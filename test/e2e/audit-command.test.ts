// The audit as a command: what it prints, how it ends, and what it never does.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../tools/audit/types.ts';
import { type Ended, run, start } from '../fixtures/command.ts';
import { startSample } from '../fixtures/weak/audited.ts';
import { faults } from '../fixtures/weak/faults.ts';
import { tokenOf } from '../fixtures/weak/issuer.ts';

const AUDIT = 'tools/audit/audit.ts';
const folder = mkdtempSync(join(tmpdir(), 'audit-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const closers: (() => unknown)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

const sample = async (name?: string): Promise<string> => {
  const served = await startSample(faults.find((fault) => fault.name === name));
  closers.push(served.close);
  return served.url;
};

/** An API written on the spot; `requests` are those it was sent. */
const api = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const requests: { at: number; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    requests.push({ at: performance.now(), authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
};

const audit = (url: string, token: string, ...args: string[]): Promise<Ended> =>
  run([AUDIT, '--url', url, '--token', token, '--rate', '200', ...args]);

describe('the audit command', () => {
  it('prints its plan before it sends anything, and the report to standard output', async () => {
    const { code, stdout, stderr } = await audit(
      await sample(),
      await tokenOf('alice'),
      '--only',
      'tokens.none',
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Plan: 1 checks of http:\/\/127\.0\.0\.1:\d+\/v1\/profile .*and of no other host/,
    );
    expect(stderr).toContain('at most  500 requests, 200 in any second');
    expect(stdout).toMatch(/✓ tokens\.none .*\n.*status 401/);
    expect(stdout).toContain('Grade: 100 = 100: A');
  });

  it('ends with 1 on a finding, with 0 on one that is below --fail-on or in the baseline', async () => {
    const url = await sample('token-in-query');
    const args = [url, await tokenOf('alice'), '--only', 'tokens.none,tokens.outside-header'] as const;
    const baseline = join(folder, 'baseline.json');
    expect((await audit(...args, '--format', 'json', '--output', baseline)).code).toBe(1);
    expect((await audit(...args, '--fail-on', 'high')).code).toBe(0);
    expect((await audit(...args, '--baseline', baseline)).code).toBe(0);
  });

  it('says which checks it skipped, and why', async () => {
    const { stdout } = await audit(
      await sample(),
      await tokenOf('alice'),
      '--only',
      'tokens',
      '--format',
      'json',
    );
    const skipped = (JSON.parse(stdout) as Report).results.filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map(({ id, seen }) => [id, seen])).toEqual([
      ['tokens.hs256-public-key', 'needs the issuer’s public keys: --jwks or --public-key'],
      ['tokens.expired', 'needs --signing-key'],
      ['tokens.no-expiry', 'needs --signing-key'],
      ['tokens.not-yet-valid', 'needs --signing-key'],
      ['tokens.wrong-audience', 'needs --signing-key'],
    ]);
  });

  it('refuses another host than this machine with 2, and sends it nothing', async () => {
    const began = performance.now();
    const { code, stdout, stderr } = await audit('http://192.0.2.1/v1', 'x');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--i-am-authorised');
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('ends with 2 if the API does not answer, or does not accept the token', async () => {
    expect(await audit('http://127.0.0.1:9/', 'x')).toMatchObject({ code: 2, stdout: '' });
    const refused = await audit(await sample(), 'not-a-token');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('the token given gets 401') });
  });

  it('ends with 2 on options it does not know', async () => {
    expect(await run([AUDIT, '--quick'])).toMatchObject({ code: 2, stdout: '' });
  });

  it.each(['limit', 'tokens,token.none', ''])(
    'ends with 2 on --only %j, and lists the names',
    async (only) => {
      const { code, stdout, stderr } = await audit('http://127.0.0.1:9/', 'x', '--only', only);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(
        /--only: no check or family is called .*families: tokens, leaks, limits, manners; checks: /,
      );
    },
  );

  it('ends with 1 where the grade is worse than --min-grade, or than the baseline’s, and says so', async () => {
    const url = await sample('token-in-query');
    const args = [
      url,
      await tokenOf('alice'),
      '--only',
      'tokens.none,tokens.outside-header',
      '--fail-on',
      'high',
    ];
    const graded = (...more: string[]) => audit(...(args as [string, string]), ...more);
    expect(await graded('--min-grade', 'B')).toMatchObject({ code: 0 });
    const worse = await graded('--min-grade', 'A');
    expect(worse).toMatchObject({ code: 1, stderr: expect.stringContaining('the grade B is worse than A') });
    const report = { tool: 'weir-audit', results: [], grade: { letter: 'A' } };
    const baseline = file('better.json', JSON.stringify(report));
    const fallen = await graded('--baseline', baseline);
    expect(fallen).toMatchObject({ code: 1, stderr: expect.stringContaining('the grade fell from A to B') });
  });

  it('writes further reports beside the one it prints', async () => {
    const markdown = join(folder, 'report.md');
    const only = ['--only', 'tokens.none', '--also', `markdown=${markdown}`];
    expect(await audit(await sample(), await tokenOf('alice'), ...only)).toMatchObject({ code: 0 });
    expect(readFileSync(markdown, 'utf8')).toMatch(/^# Audit of .*: A$/m);
  });

  it('mints tokens with an HMAC secret, from a file or from standard input', async () => {
    const secret = 'a-secret-of-at-least-thirty-two-bytes';
    const token = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(Buffer.from(secret));
    const { url } = await api(({ headers }, response) => {
      const verified = jwtVerify(headers.authorization?.slice(7) ?? '', Buffer.from(secret));
      verified.then(() => response.end('{}')).catch(() => response.writeHead(401).end());
    });
    const only = ['--only', 'tokens.expired,tokens.not-yet-valid', '--format', 'json'];
    const outcomes = ({ stdout }: Ended) =>
      (JSON.parse(stdout) as Report).results.map(({ outcome }) => outcome);
    const key = file('secret', `${secret}\n`);
    expect(outcomes(await audit(url, token, ...only, '--signing-key', key))).toEqual(['passed', 'passed']);
    const { child, ended } = start([AUDIT, '--url', url, '--token', token, ...only, '--signing-key', '-']);
    child.stdin?.end(secret);
    expect(outcomes(await ended)).toEqual(['passed', 'passed']);
    const wrong = await audit(url, token, '--signing-key', file('other', 'another-secret-entirely'));
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the HMAC secret that signed the token'),
    });
    expect(wrong.stderr).not.toContain('another-secret');
  });
});

describe('the audit never', () => {
  it('follows a redirect to another host', async () => {
    const elsewhere = await api((_, response) => response.end());
    const token = await tokenOf('alice');
    const here = await api(({ headers }, response) => {
      const good = headers.authorization === `Bearer ${token}`;
      response.writeHead(good ? 200 : 302, good ? {} : { Location: elsewhere.url }).end();
    });
    const { code } = await audit(here.url, token, '--only', 'tokens.none,tokens.malformed,tokens.tampered');
    expect(code).toBe(0);
    expect(here.requests.length).toBeGreaterThan(10);
    expect(elsewhere.requests).toEqual([]);
  });

  it('sends more, or faster, than it was told', async () => {
    const { url, requests } = await api((_, response) => response.end());
    const { stdout } = await run([
      ...[AUDIT, '--url', url, '--token', await tokenOf('alice'), '--format', 'json'],
      ...['--max-requests', '60', '--rate', '25'],
    ]);
    expect((JSON.parse(stdout) as Report).requests).toBe(requests.length);
    expect(requests.length).toBeLessThanOrEqual(60);
    // What left within a second may arrive in a little less.
    for (const { at } of requests)
      expect(requests.filter((one) => one.at >= at && one.at < at + 950).length).toBeLessThanOrEqual(25);
  });

  it('goes on against an API that breaks down', async () => {
    const token = await tokenOf('alice');
    let bad = 0;
    const { url, requests } = await api(({ headers }, response) => {
      if (headers.authorization !== `Bearer ${token}`) bad++;
      response.statusCode = bad === 0 ? 200 : 500;
      response.end();
    });
    const { stdout, code } = await audit(url, token, '--format', 'json');
    const report: Report = JSON.parse(stdout);
    expect(report.stopped).toBe('8 of the last 10 responses were server errors');
    expect(report.grade.letter).toBeUndefined();
    expect(requests.length).toBeLessThan(20);
    expect(code).toBe(2);
  });

  it('shows a token, whatever the API echoes', async () => {
    const token = await tokenOf('alice');
    const { url } = await api(({ headers }, response) => {
      const good = headers.authorization === `Bearer ${token}`;
      response.writeHead(good ? 200 : 401, {
        'WWW-Authenticate': `Bearer error_description="${headers.authorization}"`,
      });
      response.end(`at verify (/app/a.js:1) ${headers.authorization} ${token}`);
    });
    for (const format of ['table', 'json', 'sarif', 'junit', 'markdown']) {
      const { stdout, stderr } = await audit(
        url,
        token,
        '--format',
        format,
        '--only',
        'tokens,leaks.bytes,leaks.error-bodies',
      );
      expect(stdout).toContain('leaks.error-bodies');
      for (const part of token.split('.')) expect(stdout + stderr).not.toContain(part);
    }
  });
});

describe('an API that bad tokens break', () => {
  it('is audited to the end, as long as the good token is served; the server errors are findings', async () => {
    const token = await tokenOf('alice');
    const { url } = await api(({ headers }, response) => {
      response.statusCode = headers.authorization === `Bearer ${token}` ? 200 : 500;
      response.end();
    });
    const { stdout } = await audit(url, token, '--only', 'tokens,leaks', '--format', 'json');
    const { stopped, results }: Report = JSON.parse(stdout);
    expect(stopped).toBeUndefined();
    const outcomes = Map.groupBy(results, ({ outcome }) => outcome);
    // The third: Node takes the first of two Authorization headers.
    const failed = ['tokens.malformed', 'tokens.two-headers', 'tokens.server-error'];
    expect(outcomes.get('failed')?.map(({ id }) => id)).toEqual(failed);
    expect(outcomes.get('passed')).toBeUndefined();
  });
});

describe('what proves nothing', () => {
  it('is not taken for passed: refusals by an API that has shut everybody out', async () => {
    const token = await tokenOf('alice');
    let bad = 0;
    const { url } = await api(({ headers }, response) => {
      const good = headers.authorization === `Bearer ${token}`;
      if (!good) bad++;
      response.statusCode = bad > 5 ? 403 : good ? 200 : 401;
      response.end();
    });
    const { stdout } = await audit(
      url,
      token,
      '--only',
      'tokens.malformed,tokens.stripped',
      '--format',
      'json',
    );
    expect((JSON.parse(stdout) as Report).results.map(({ outcome, seen }) => [outcome, seen])).toEqual(
      Array(2).fill(['skipped', 'the good token gets 403 after these checks, so the refusals show nothing']),
    );
  });

  it('is said of a limit that the budget cannot reach', async () => {
    const { url } = await api((_, response) => {
      response
        .setHeader('RateLimit-Policy', '"day";q=10000;w=86400')
        .setHeader('RateLimit', '"day";r=9999;t=1')
        .end();
    });
    const { stdout } = await audit(
      url,
      await tokenOf('alice'),
      '--only',
      'limits.exists,limits.parallel',
      '--format',
      'json',
    );
    for (const { outcome, seen } of (JSON.parse(stdout) as Report).results) {
      expect(outcome).toBe('skipped');
      expect(seen).toContain('no limit met within the budget: the API declares day');
    }
  });
});

describe('Ctrl-C', () => {
  it('leaves a report of what was done by then', async () => {
    const token = await tokenOf('alice');
    const begun = Promise.withResolvers<void>();
    const { url } = await api(({ headers }, response) => {
      if (headers.authorization?.startsWith('Basic')) begun.resolve();
      response.statusCode = headers.authorization === `Bearer ${token}` ? 200 : 401;
      response.end();
    });
    const { child, ended } = start([
      AUDIT,
      '--url',
      url,
      '--token',
      token,
      '--rate',
      '20',
      '--format',
      'json',
    ]);
    await begun.promise;
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    const report: Report = JSON.parse(stdout);
    expect(report.stopped).toBe('interrupted');
    expect(report.results.find(({ id }) => id === 'tokens.none')?.outcome).toBe('passed');
    expect(report.results.at(-1)).toMatchObject({ outcome: 'skipped', seen: 'stopped before: interrupted' });
    expect(code).toBe(2);
  });
});

describe('the GitHub Action', () => {
  const action = readFileSync(join(import.meta.dirname, '../../tools/audit/action.yml'), 'utf8');
  /** The script of the step that audits, as the runner writes it into a file. */
  const script = /id: audit[\s\S]*?run: \|\n((?: {8}.*\n)+)/.exec(action)?.[1]?.replace(/^ {8}/gm, '') ?? '';

  const bash = (env: Record<string, string>): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      const inputs = {
        AUDIT_TOOL: AUDIT,
        AUDIT_SECOND_TOKEN: '',
        AUDIT_OTHER_TOKEN: '',
        AUDIT_SIGNING_KEY: '',
        INPUT_JWKS: '',
        INPUT_ORIGIN: '',
        INPUT_MAX_REQUESTS: '20',
        INPUT_RATE: '200',
        INPUT_FAIL_ON: 'high',
        INPUT_BASELINE: '',
        INPUT_MIN_GRADE: '',
        INPUT_EXPECT: '',
        INPUT_AUTHORISED: 'false',
        GITHUB_OUTPUT: join(folder, 'output'),
        RUNNER_TEMP: folder,
      };
      const cwd = join(import.meta.dirname, '../..');
      const args = ['--noprofile', '--norc', '-eo', 'pipefail', file('script.sh', script)];
      execFile('bash', args, { cwd, env: { ...process.env, ...inputs, ...env } }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });

  it('audits, and hands the SARIF over even if something was found', async () => {
    const env = { AUDIT_URL: await sample('no-token-needed'), AUDIT_TOKEN: await tokenOf('alice') };
    expect(await bash(env)).toMatchObject({ code: 1 });
    expect(readFileSync(join(folder, 'output'), 'utf8')).toContain('written=true');
    const log = JSON.parse(readFileSync(join(folder, 'weir-audit.sarif'), 'utf8'));
    expect(log.runs[0].results[0]).toMatchObject({ ruleId: 'tokens.none', kind: 'fail' });
  });

  it('never runs what an input holds', async () => {
    const pwned = join(folder, 'pwned');
    const hostile = `"; touch ${pwned}; $(touch ${pwned}) \`touch ${pwned}\` #`;
    await bash({
      AUDIT_URL: `http://127.0.0.1:9/${hostile}`,
      AUDIT_TOKEN: hostile,
      INPUT_BASELINE: hostile,
      INPUT_RATE: hostile,
    });
    expect(existsSync(pwned)).toBe(false);
  });

  it('puts no expression into a script', () => {
    const scripts = action.match(/run: .*(?:\n {8}.*)*/g) ?? [];
    expect(scripts.length).toBeGreaterThanOrEqual(2);
    for (const one of scripts) expect(one).not.toContain('${{');
  });
});
