// The timer that every 401 waits for, so that the time it took says nothing of the token.
import { delay } from '../lib/delay.ts';

/** A timer that holds a 401 back. Started before the token is looked into, it hides how long that took. */
export type Floor = Promise<void> | undefined;

/**
 * So many milliseconds later than the floor, chosen at random from 0 to one less than this, does a 401 leave. An idle event loop
 * sleeps whole milliseconds, so that the end of its sleep tells how long it was busy before, to the microsecond.
 */
const JITTER_MS = 8;

/** @param ms `UNAUTHORIZED_DELAY_MS`; 0 for none. */
export const startFloor = (ms: number): Floor => (ms > 0 ? delay(ms + jitter()) : undefined);

const jitter = (): number => {
  const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
  return byte % JITTER_MS;
};
