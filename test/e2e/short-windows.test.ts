// Short windows on the built Worker: how often the Limiter is asked, that nobody below the quota is refused, and that no
// window holds more than it.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { callsOf, limitersWith } from '../fixtures/limiters.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer, type Weir } from '../fixtures/weir.ts';
import { busiestFor } from '../fixtures/windows.ts';

const LOAD_MS = scaled(6_000, 60_000);

/** By then shares are lent. */
const WARM_MS = 2_500;

const on = stage();

/** Isolates whose Limiters are so far away, there and back. */
const start = async (limits: string, isolates: number, roundTripMs: number): Promise<Weir> => {
  const limiters = await limitersWith(`return scheduler.wait(${roundTripMs}).then(() => this.grant(ask));`);
  const vars = { LIMITS: limits, LIMITER_TIMEOUT_MS: '30000', SERVER_TIMING: 'true' };
  return on.start({ ...limiters, vars, isolates });
};

interface Answer {
  readonly from: number;
  readonly to: number;
  readonly passed: boolean;
  /** What it waited for its permit, milliseconds. */
  readonly waitedMs: number;
}

const send = async (url: string, headers: Record<string, string>): Promise<Answer> => {
  const from = Date.now();
  const answer = await fetch(url, { headers });
  await answer.arrayBuffer();
  expect([200, 429]).toContain(answer.status);
  const waitedMs = Number(answer.headers.get('Server-Timing')?.match(/limit;dur=(\d+)/)?.[1]);
  return { from, to: Date.now(), passed: answer.status === 200, waitedMs };
};

/** So many requests a second at all isolates in turn. */
const load = async ({ urls }: Weir, perSecond: number, ms: number, sub = 'alice'): Promise<Answer[]> => {
  const headers = await bearer({ sub });
  const started = Date.now();
  const answers: Promise<Answer>[] = [];
  for (let due = 0; due < ms; due += 1_000 / perSecond) {
    await sleep(Math.max(0, started + due - Date.now()));
    answers.push(send(urls[answers.length % urls.length] ?? '', headers));
  }
  return Promise.all(answers);
};

/** Refused though fewer than the quota can have passed in the window before: a busy machine may send more than it should. */
const wronglyRefused = (answers: readonly Answer[], quota: number, windowMs: number): number => {
  const passed = answers.filter((answer) => answer.passed);
  return answers.filter(({ passed: did, from, to }) => {
    const before = passed.filter((other) => other.to >= from - windowMs * 1.01 && other.from <= to);
    return !did && before.length < quota;
  }).length;
};

/** Calls for each thousand requests, once shares are lent. */
const callsPerThousand = async (there: Weir, perSecond: number, ms: number) => {
  await load(there, perSecond, WARM_MS);
  const before = await callsOf(there);
  const answers = await load(there, perSecond, ms);
  const { consume, giveBack } = await callsOf(there);
  const calls = consume + giveBack - before.consume - before.giveBack;
  return { answers, calls: (calls * 1_000) / answers.length };
};

describe('a caller at one isolate', { timeout: SOAK_TIMEOUT_MS }, () => {
  it('of 8 a second under 10 asks for a sixth at most, and hardly any waits for a Limiter 60 ms away', async () => {
    const there = await start('10/second; 1000/hour', 1, 60);
    const { answers, calls } = await callsPerThousand(there, 8, LOAD_MS);
    const waits = answers.map(({ waitedMs }) => waitedMs).toSorted((a, b) => a - b);
    const median = waits[Math.floor(waits.length / 2)];
    const refused = wronglyRefused(answers, 10, 1_000);
    tell(`8 a second under 10/second: ${calls.toFixed(0)} calls per 1,000, median wait ${median} ms`);
    // A machine that is busy with other tests sends in bursts, which are more than was lent.
    expect(calls).toBeLessThanOrEqual(scaled(400, 170));
    expect(median).toBeLessThan(30);
    expect(refused).toBe(0);
  });

  it('of 900 a second under 1,000 asks for one in a hundred at most', async () => {
    const there = await start('1000/second', 1, 0);
    const { calls } = await callsPerThousand(there, 900, LOAD_MS);
    tell(`900 a second under 1000/second: ${calls.toFixed(1)} calls per 1,000`);
    expect(calls).toBeLessThanOrEqual(scaled(200, 10));
  });
});

describe('a caller over eight isolates', { timeout: SOAK_TIMEOUT_MS }, () => {
  it('of nine a second under ten is not refused', async () => {
    const there = await start('10/second', 8, 0);
    const answers = await load(there, 9, LOAD_MS);
    const refused = wronglyRefused(answers, 10, 1_000);
    tell(`9 a second over 8 isolates: ${refused} of ${answers.length} wrongly refused`);
    expect(refused).toBeLessThanOrEqual(answers.length * 0.01);
  });

  it.each([false, true])(
    'of three times 100 a second gets 100 and no more; Limiters evicted: %s',
    async (evict) => {
      const there = await on.start({ vars: { LIMITS: '100/second' }, isolates: 8 });
      await there.prepareEvictions();
      const loading = load(there, 300, LOAD_MS);
      let evictions = 0;
      for (let at = 0; evict && at < LOAD_MS - 2_000; at += 2_000, evictions++) {
        await sleep(2_000);
        await there.evictLimiters();
      }
      const passed = (await loading).filter((answer) => answer.passed);
      const share = passed.length / (LOAD_MS / 10);
      const busiest = busiestFor(passed, 1_000);
      tell(
        `300 a second, ${evictions} evictions: at most ${busiest} in a second, ${(share * 100).toFixed(1)} % used`,
      );
      expect(busiest).toBeLessThanOrEqual(100);
      // What was lent when a Limiter was evicted stays spent for a life and a window.
      if (!evict) expect(share).toBeGreaterThanOrEqual(scaled(0.8, 0.9));
    },
  );
});
