// The delay of every refusal, so that the time it took says nothing about the token.
import { delay } from '../lib/delay.ts';

/** A timer that a refusal waits for. Started before the token is examined, it hides how long that took. */
export type RefusalDelay = Promise<void> | undefined;

/**
 * Random milliseconds on top, below this many. An idle event loop sleeps whole milliseconds, so without them the end of its
 * sleep would tell, to the microsecond, how long it was busy before.
 */
const JITTER_MS = 8;

/** @param ms `UNAUTHORIZED_DELAY_MS`; 0 for none. */
export const startRefusalDelay = (ms: number): RefusalDelay => (ms > 0 ? delay(ms + jitter()) : undefined);

const jitter = (): number => {
  const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
  return byte % JITTER_MS;
};
