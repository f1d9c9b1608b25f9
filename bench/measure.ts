// Measuring: rounds of load on every contender in turn, then calls and rows at a steady pace.
import { type Counts, type Running, start } from './arena.ts';
import type { Contender } from './contenders.ts';
import { cpuMicroseconds } from './cpu.ts';
import { applyLoad, type Load } from './load.ts';
import type { Tokens } from './tokens.ts';

/** One contender in one round. */
export interface Sample {
  readonly id: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the whole workerd process for each request, microseconds. */
  readonly cpuUs: number;
}

/** Calls of the objects and rows they wrote, for a thousand requests. */
export interface Traffic {
  readonly requestsPerSecond: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
}

/** Loads a contender as fast as it answers. */
export const sample = async (running: Running, tokens: Tokens, seconds: number): Promise<Sample> => {
  const { contender, pid } = running;
  const before = cpuMicroseconds(pid);
  const load = await loaded(running, tokens, { connections: contender.connections, seconds, pauseMs: 0 });
  return {
    id: contender.id,
    requestsPerSecond: load.requests / load.seconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    cpuUs: (cpuMicroseconds(pid) - before) / load.requests,
  };
};

/** A thousand requests a second, in as many connections as pause so long between two. */
const PACE = { connections: 20, pauseMs: 19 };

const GROWING_SECONDS = 1;

/** Counts at about 1,000 requests a second, by a contender that counts and is not timed. */
export const traffic = async (
  contender: Contender,
  originUrl: string,
  tokens: Tokens,
  seconds: number,
): Promise<Traffic> => {
  const running = await start(contender, originUrl, true);
  try {
    await warm(running, tokens);
    // The first leases and reserves are small: they grow within a second.
    await loaded(running, tokens, { ...PACE, seconds: GROWING_SECONDS });
    const before = await running.counts();
    const load = await loaded(running, tokens, { ...PACE, seconds });
    return trafficOf(load, before, await running.counts());
  } finally {
    await running.close();
  }
};

const trafficOf = ({ requests, seconds }: Load, before: Counts, after: Counts): Traffic => ({
  requestsPerSecond: requests / seconds,
  callsPer1000: ((after.calls - before.calls) * 1000) / requests,
  rowsPer1000: ((after.rows - before.rows) * 1000) / requests,
});

const loaded = async (
  { url, contender }: Running,
  tokens: Tokens,
  options: { connections: number; seconds: number; pauseMs: number },
): Promise<Load> => {
  const load = await applyLoad({ url, ...tokens, ...options });
  const expected = contender.status < 400 ? 0 : load.requests;
  if (load.failed > 0 || load.refused !== expected)
    throw new Error(
      `(${contender.id}) expected status ${contender.status} alone, got ${load.refused} refusals and ${load.failed} failures in ${load.requests}`,
    );
  return load;
};

/** Warming requests at once: as many verifications as Weir runs for one address. */
const AT_ONCE = 4;

/** Each token once, and on until the expected answer comes. */
export const warm = async ({ url, contender }: Running, { tokens }: Tokens): Promise<void> => {
  const left = tokens.values();
  const worker = async () => {
    for (const token of left) await untilStatus(url, token, contender.status);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};

const TRIES = 20;

const untilStatus = async (url: string, token: string, status: number): Promise<void> => {
  for (let i = 0; i < TRIES; i++) {
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    await answer.arrayBuffer();
    if (answer.status === status) return;
  }
  throw new Error(`expected status ${status} within ${TRIES} requests`);
};
