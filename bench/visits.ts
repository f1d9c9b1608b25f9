// Visits: many callers, each of whom comes back for a few requests after its object was evicted.
import { type Running, start } from './arena.ts';
import type { Contender } from './contenders.ts';
import { cpuMicroseconds } from './cpu.ts';
import { warm } from './measure.ts';
import { dollars } from './price.ts';
import type { Tokens } from './tokens.ts';

/** What a request of a visit costs. */
export interface Visited {
  readonly id: string;
  readonly title: string;
  readonly requests: number;
  /** Of the whole workerd process, the evictions' own work included. */
  readonly cpuUs: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly dollarsPerMillion: number;
}

/** How often each subject comes back. */
const VISITS = 2;

/** Visitors at once. */
const AT_ONCE = 16;

/** Requests of a visit: 1 to this many, by the subject's turn. */
const MOST_REQUESTS = 10;

/** Measures processor time by one run and counts by another, since counting costs time. */
export const visit = async (contender: Contender, originUrl: string, tokens: Tokens): Promise<Visited> => {
  const timed = await withRunning(contender, originUrl, false, (running) => cpuOf(running, tokens));
  const counted = await withRunning(contender, originUrl, true, (running) => countsOf(running, tokens));
  const { id, title } = contender;
  return { id, title, ...timed, ...counted, dollarsPerMillion: dollars({ ...timed, ...counted }) };
};

const withRunning = async <T>(
  contender: Contender,
  originUrl: string,
  counted: boolean,
  use: (running: Running) => Promise<T>,
): Promise<T> => {
  const running = await start(contender, originUrl, counted);
  try {
    return await use(running);
  } finally {
    await running.close();
  }
};

const cpuOf = async (running: Running, tokens: Tokens) => {
  await warm(running, tokens);
  const before = cpuMicroseconds(running.pid);
  const requests = await visitAll(running, tokens);
  return { requests, cpuUs: (cpuMicroseconds(running.pid) - before) / requests };
};

const countsOf = async (running: Running, tokens: Tokens) => {
  await warm(running, tokens);
  const before = await running.counts();
  const requests = await visitAll(running, tokens);
  const after = await running.counts();
  return {
    callsPer1000: ((after.calls - before.calls) * 1000) / requests,
    rowsPer1000: ((after.rows - before.rows) * 1000) / requests,
  };
};

const visitAll = async (running: Running, { tokens }: Tokens): Promise<number> => {
  let requests = 0;
  for (let visit = 0; visit < VISITS; visit++) {
    await running.evict();
    const left = tokens.entries();
    const visitor = async () => {
      for (const [index, token] of left) {
        const count = (index % MOST_REQUESTS) + 1;
        for (let i = 0; i < count; i++) await call(running, token);
        requests += count;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  }
  return requests;
};

const call = async ({ url, contender }: Running, token: string): Promise<void> => {
  const init = { headers: { Authorization: `Bearer ${token}` } };
  // A kept connection that was idle too long fails once.
  const answer = await fetch(url, init).catch(() => fetch(url, init));
  await answer.arrayBuffer();
  if (answer.status !== contender.status)
    throw new Error(`(${contender.id}) expected status ${contender.status}, got ${answer.status}`);
};
