// `npm start` for real: the lines it prints do what they say, and nothing of it stays behind.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../tools/demo/ports.ts';
import { descendants, isAlive } from '../fixtures/process.ts';

/** The demo as `npm start` runs it, not on a terminal, once it has printed all it has to say. */
const startDemo = async (port: number) => {
  // Detached makes it the head of a process group, as a shell would.
  const npm = spawn('npm', ['start', '--', '--port', String(port)], { detached: true });
  const errors: string[] = [];
  npm.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const lines: string[] = [];
  for await (const line of createInterface(npm.stdout)) {
    lines.push(line);
    if (line.includes('log follows')) break;
  }
  const pid = npm.pid ?? 0;
  const pids = [pid, ...descendants(pid)];
  started.push(...pids);
  return { npm, pid, pids, lines, errors: () => errors.join('') };
};

/** Whatever a failing test leaves behind. */
const started: number[] = [];
afterAll(() => {
  for (const pid of started.filter(isAlive)) process.kill(pid, 'SIGKILL');
});

type Demo = Awaited<ReturnType<typeof startDemo>>;

/** The lines to paste stand below a line that says what they do. */
const below = ({ lines }: Demo, comment: string): string =>
  lines[lines.findIndex((line) => line.startsWith(comment)) + 1]?.trim() ?? '';

/** Pastes the token's line and then that one into a shell. */
const paste = async (demo: Demo, comment: string): Promise<string> => {
  const script = `${below(demo, 'A token')}\n${below(demo, comment)}`;
  return (await promisify(execFile)('bash', ['-c', script])).stdout;
};

const allGone = ({ pids }: Demo) =>
  vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000, interval: 50 });

describe('npm start', () => {
  let demo: Demo;
  let port: number;
  beforeAll(async () => {
    port = await freePort(20_000 + (process.pid % 10_000));
    demo = await startDemo(port);
  });

  test('says where it listens, and nothing that does not matter', () => {
    expect(demo.lines).toContain(`Weir listens on http://127.0.0.1:${port}, in front of a demo origin.`);
    const text = demo.lines.join('\n');
    expect(text).toBe(stripVTControlCharacters(text));
    expect(text).not.toMatch(/warn|error|update/i);
    expect(demo.errors().replaceAll(/^npm warn.*\n/gm, '')).toBe('');
  });

  test('prints a call that is allowed, with its RateLimit fields', async () => {
    const answer = await paste(demo, 'An allowed call');
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toContain('RateLimit-Policy: "5/5seconds";q=5;w=5\r\n');
    expect(answer).toMatch(/^RateLimit: "5\/5seconds";r=4;t=\d+\r$/m);
    expect(answer).toContain('"subject": "alice"');
  });

  test('prints a call that is refused', async () => {
    const answer = await paste(demo, 'A refused one');
    expect(answer).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/);
    expect(answer).toContain(`WWW-Authenticate: Bearer realm="127.0.0.1:${port}"\r\n`);
  });

  test('prints a loop that runs into 429 and recovers', async () => {
    const statuses = (await paste(demo, 'A call every half second')).trim().split('\n');
    expect(statuses).toHaveLength(16);
    expect(statuses.join(' ')).toMatch(/^(200 ){3,5}(429 )+200\b/);
  });

  test('takes tokens of npm run token beside it, with subject and tier', async () => {
    const args = ['run', '-s', 'token', '--', '--sub', 'bob', '--tier', 'pro', '--ttl', '1h'];
    const token = (await promisify(execFile)('npm', args)).stdout.trim();
    const response = await fetch(`http://127.0.0.1:${port}/x`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.headers.get('RateLimit-Policy')).toBe('"20/5seconds";q=20;w=5');
    expect(await response.json()).toMatchObject({ subject: 'bob', path: '/x' });
  });

  test('takes the next free port where one is taken, and ends when npm is told to', async () => {
    const second = await startDemo(port);
    expect(second.lines.join('\n')).toMatch(
      new RegExp(`listens on http://127.0.0.1:(?!${port})\\d+ \\(port ${port} is taken\\)`),
    );
    process.kill(second.pid, 'SIGTERM');
    await allGone(second);
  });

  test('ends all of its processes at Ctrl-C, without a word', async () => {
    expect(demo.pids.length).toBeGreaterThanOrEqual(3);
    // The terminal sends it to every process of the group.
    process.kill(-demo.pid, 'SIGINT');
    await allGone(demo);
    expect(demo.errors().replaceAll(/^npm warn.*\n/gm, '')).toBe('');
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});

describe('npm run token', () => {
  const refused = async (...args: string[]) => {
    const failing = promisify(execFile)('npm', ['run', '-s', 'token', '--', ...args]);
    const { code, stderr } = await failing.then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    return [code, stderr.replaceAll(/^npm warn.*\n/gm, '')];
  };

  test('says what was expected, without a stack trace', async () => {
    expect(await refused('--ttl', 'soon')).toEqual([
      2,
      '--ttl: expected a time such as 90s, 15m, 1h or 7d, got soon\n',
    ]);
    expect(await refused('--subject', 'x')).toEqual([2, "Unknown option '--subject'\n"]);
  });
});
