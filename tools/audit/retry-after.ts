// Whether a Retry-After is true, found out by waiting as it says. It knows no clock: the test's may be another.
import { isAdmitted, MAX_WAIT_MS } from './audit-context.ts';
import type { Exchange } from './http/client.ts';
import { Inconclusive } from './stop.ts';
import { failed, measured, passed, slightly, type Verdict } from './types.ts';

export interface Steps {
  /** Sends the request that was denied once more. */
  ask(): Promise<Exchange>;
  pause(ms: number): Promise<void>;
  /** The longest window of the quota, in which all of it must be back; undefined where none is told. */
  readonly windowMs?: number | undefined;
}

/** Retry-After counts whole seconds, so the last of them may be allowed already; and a clock's tick may be missing. */
const LATE_MS = 150;

/** Before the time that was told, with room for whole seconds and for a second of grace. */
const EARLY = 0.8;
const GRACE_MS = 2500;

/**
 * Denied before, allowed after. Up to a second too early is a slight failure: it was rounded down.
 *
 * @param seconds what a denial said that has just come
 * @throws {Inconclusive} if it asks for a longer wait than the audit takes, and no window shows it to be wrong
 */
export const judgeRetryAfter = async (seconds: number, { ask, pause, windowMs }: Steps): Promise<Verdict> => {
  const sent = `a request before and one after the ${seconds} s of Retry-After`;
  const toldMs = 1000 * seconds;
  const waited = { ms: 0 };
  const waitUntil = async (ms: number): Promise<void> => {
    await pause(ms - waited.ms);
    waited.ms = ms;
  };
  for (const at of earlier(toldMs, windowMs)) {
    await waitUntil(at);
    if (isAdmitted(await ask())) return failed(sent, `allowed after ${at / 1000} s already`);
  }
  if (toldMs > MAX_WAIT_MS)
    throw new Inconclusive(`Retry-After of ${seconds} s is longer than the audit waits`);
  await waitUntil(toldMs + LATE_MS);
  const after = await ask();
  if (isAdmitted(after))
    return passed(sent, 'denied before, allowed after', measured('denials waited out', 1));
  await pause(1000);
  return isAdmitted(await ask())
    ? slightly(failed(sent, `${after.status} after it, allowed a second later: it was rounded down`))
    : failed(sent, `${after.status} even after it`);
};

/** When to ask before the time that was told, in ms after the denial: half-way, near its end, and when the window is over. */
const earlier = (toldMs: number, windowMs = Number.POSITIVE_INFINITY): number[] => {
  const half = Math.max(0, toldMs - 1000) / 2;
  const near = Math.round(Math.min(EARLY * toldMs, toldMs - GRACE_MS));
  const over = windowMs + LATE_MS;
  const all = toldMs > MAX_WAIT_MS ? [over] : [half, near, over];
  return all.filter((ms) => ms > 0 && ms <= Math.min(toldMs - 1000, MAX_WAIT_MS)).toSorted((a, b) => a - b);
};
