// HTTP load on one address: by wrk where it is installed, else by autocannon, which costs the client more.
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import autocannon from 'autocannon';

export interface LoadOptions {
  readonly url: string;
  /** Used in turn. */
  readonly tokens: readonly string[];
  /** The same, one a line. */
  readonly tokenFile: string;
  readonly connections: number;
  readonly seconds: number;
  /** Pause of each connection between its requests; 0 for as fast as answers come. */
  readonly pauseMs: number;
}

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with a status of 400 and more. */
  readonly refused: number;
  /** Requests without an answer. */
  readonly failed: number;
}

/** What a request carries when it comes from Cloudflare's edge, beside its token. */
const EDGE_HEADERS: Record<string, string> = {
  Accept: 'application/json',
  'Accept-Encoding': 'gzip, br',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0',
  'CF-Connecting-IP': '203.0.113.7',
  'CF-IPCountry': 'CH',
  'CF-Ray': '98a1b2c3d4e5f601-ZRH',
  'CF-Visitor': '{"scheme":"https"}',
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
};

const hasWrk = (): boolean => {
  try {
    execFileSync('which', ['wrk'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const byWrk = async (options: LoadOptions): Promise<Load> => {
  const headers = Object.entries(EDGE_HEADERS).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const script = join(import.meta.dirname, 'wrk.lua');
  const { stdout } = await promisify(execFile)('wrk', [
    ...['-t', '1', '-c', `${options.connections}`, '-d', `${options.seconds}s`, '--timeout', '10s'],
    ...[...headers, '-s', script, options.url, '--', options.tokenFile, `${options.pauseMs}`],
  ]);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{')));
};

const byAutocannon = async (options: LoadOptions): Promise<Load> => {
  const result = await autocannon({
    url: options.url,
    connections: options.connections,
    duration: options.seconds,
    headers: EDGE_HEADERS,
    requests: options.tokens.map((token) => ({ headers: { Authorization: `Bearer ${token}` } })),
    ...(options.pauseMs > 0 ? { overallRate: (options.connections * 1000) / options.pauseMs } : {}),
  });
  return {
    requests: result.requests.total,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    refused: result.non2xx,
    failed: result.errors + result.timeouts,
  };
};

export const loadTool = hasWrk() ? 'wrk' : 'autocannon';

export const applyLoad: (options: LoadOptions) => Promise<Load> = loadTool === 'wrk' ? byWrk : byAutocannon;
