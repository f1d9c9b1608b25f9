// JSON lines for the platform's log: at most ten a second in an isolate, and how many were left out.
import type { WaitUntil } from '../exchange.ts';
import { PerSecond } from '../lib/per-second.ts';

const LINES_PER_SECOND = 10;

/** How long after the first omitted line their count is written, milliseconds. */
const FLUSH_MS = 1_000;

const allowed = new PerSecond(LINES_PER_SECOND);
let omitted = 0;
let flushedUntil = 0;

type Line = Record<string, unknown>;

/** Writes a line. Beyond ten a second, a line is not even made but counted, and a later one says how many were omitted. */
export const log = (line: () => Line | Promise<Line>, context: WaitUntil): void => {
  const now = Date.now();
  if (!allowed.take(now)) {
    omit(now, context);
    return;
  }
  const before = takeOmitted();
  context.waitUntil(
    Promise.resolve(line()).then((made) => write(before > 0 ? { ...made, omitted: before } : made)),
  );
};

/** The count so far, for the line that tells it. */
const takeOmitted = (): number => {
  const count = omitted;
  omitted = 0;
  return count;
};

const omit = (now: number, context: WaitUntil): void => {
  omitted++;
  if (now < flushedUntil) return;
  flushedUntil = now + FLUSH_MS;
  context.waitUntil(scheduler.wait(FLUSH_MS).then(flush));
};

const flush = (): void => {
  if (omitted > 0 && allowed.take(Date.now())) write({ outcome: 'omitted', omitted: takeOmitted() });
};

const write = (line: Line): void => console.log(JSON.stringify(line));

/** What a caller can quote when asking about a refusal: Cloudflare's ray, or a random id. */
export const requestId = (headers: Headers): string =>
  headers.get('cf-ray')?.slice(0, 64) ?? crypto.randomUUID();
