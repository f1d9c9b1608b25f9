// JSON lines for the platform's log: at most ten a second in an isolate, and how many were left out.

import type { WaitUntil } from '../exchange.ts';
import { PerSecond } from '../lib/per-second.ts';

const LINES_PER_SECOND = 10;

/** How long after the first line that is left out the count of them is told, milliseconds. */
const FLUSH_MS = 1_000;

const allowed = new PerSecond(LINES_PER_SECOND);
let omitted = 0;
let flushedUntil = 0;

type Line = Record<string, unknown>;

/** Writes a line, unless ten were written this second: then it is not even made, but counted for a later one. */
export const log = (line: () => Line | Promise<Line>, awake: WaitUntil): void => {
  const now = Date.now();
  if (!allowed.take(now)) {
    omit(now, awake);
    return;
  }
  const before = takeOmitted();
  awake.waitUntil(
    Promise.resolve(line()).then((made) => write(before > 0 ? { ...made, omitted: before } : made)),
  );
};

/** The count so far, which the next line tells. */
const takeOmitted = (): number => {
  const count = omitted;
  omitted = 0;
  return count;
};

const omit = (now: number, awake: WaitUntil): void => {
  omitted++;
  if (now < flushedUntil) return;
  flushedUntil = now + FLUSH_MS;
  awake.waitUntil(scheduler.wait(FLUSH_MS).then(flush));
};

const flush = (): void => {
  if (omitted > 0 && allowed.take(Date.now())) write({ outcome: 'omitted', omitted: takeOmitted() });
};

const write = (line: Line): void => console.log(JSON.stringify(line));

/** What a caller can name in a question about a refusal: Cloudflare's ray, or one made. */
export const requestId = (headers: Headers): string =>
  headers.get('cf-ray')?.slice(0, 64) ?? crypto.randomUUID();
