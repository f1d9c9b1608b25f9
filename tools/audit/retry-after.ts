// Whether a Retry-After is true, found out by waiting as it says. It knows no clock: the test's may be another.
import { isAdmitted, MAX_WAIT_MS } from './audit-context.ts';
import type { Exchange } from './http/client.ts';
import { Inconclusive } from './stop.ts';
import { failed, measured, passed, slightly, type Verdict } from './types.ts';

export interface Steps {
  /** Sends the request that was denied once more. */
  ask(): Promise<Exchange>;
  pause(ms: number): Promise<void>;
}

/** Retry-After counts whole seconds, so the last of them may be allowed already; and a clock's tick may be missing. */
const LATE_MS = 150;

/**
 * Denied before, allowed after. Up to a second too early is a slight failure: it was rounded down.
 *
 * @param seconds what a denial said that has just come
 * @throws {Inconclusive} if it asks for a longer wait than the audit takes
 */
export const judgeRetryAfter = async (seconds: number, { ask, pause }: Steps): Promise<Verdict> => {
  if (seconds * 1000 > MAX_WAIT_MS)
    throw new Inconclusive(`Retry-After of ${seconds} s is longer than the audit waits`);
  const sent = `a request before and one after the ${seconds} s of Retry-After`;
  const early = Math.max(0, seconds - 1) * 500;
  await pause(early);
  if (early > 0 && isAdmitted(await ask())) return failed(sent, `allowed after ${early / 1000} s already`);
  await pause(seconds * 1000 - early + LATE_MS);
  const after = await ask();
  if (isAdmitted(after))
    return passed(sent, 'denied before, allowed after', measured('denials waited out', 1));
  await pause(1000);
  return isAdmitted(await ask())
    ? slightly(failed(sent, `${after.status} after it, allowed a second later: it was rounded down`))
    : failed(sent, `${after.status} even after it`);
};
