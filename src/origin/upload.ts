// The body of a request on its way to the origin: streamed, and ended where its client stalls.
import { passThrough } from '../lib/pass-through.ts';

/** What is to happen when a body ends, or does not. */
export interface Progress {
  /** All of it has been handed on. */
  atEnd(): void;
  /** Nothing has come of it for the idle limit. */
  atStall(): void;
  /** Its client left before its end, or sent what is no body. */
  atBreak(): void;
}

/**
 * The body to send in place of the client's.
 *
 * @param length keeps its framing: with one the origin gets a `Content-Length`, without it chunks.
 * @param idleMs how long its client may send nothing; 0: for ever.
 */
export const handedOn = (
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  idleMs: number,
  progress: Progress,
): ReadableStream => {
  const { readable, writable } = passThrough(length);
  const size = Math.max(1, Math.min(length ?? BUFFER_BYTES, BUFFER_BYTES));
  const done =
    idleMs === 0
      ? pipe(body, writable, progress)
      : pump(body, writable, size, new IdleTimer(idleMs), progress);
  // A rejection means that one of the two ends failed, which the fetch itself reports.
  done.then(
    () => progress.atEnd(),
    () => undefined,
  );
  return readable;
};

const pipe = async (
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  { atBreak }: Progress,
): Promise<void> => {
  try {
    await body.pipeTo(writable);
  } catch (error) {
    // A body that nobody reads any more was cancelled; one that broke stays so.
    body.getReader().closed.catch(atBreak);
    throw error;
  }
};

/** Most bytes read at once. */
const BUFFER_BYTES = 65_536;

/** Does what `pipeTo` does, which reports no progress. Reuses one buffer, so that a long body leaves no garbage. */
const pump = async (
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  size: number,
  timer: IdleTimer,
  { atStall, atBreak }: Progress,
): Promise<void> => {
  const reader = body.getReader({ mode: 'byob' });
  const writer = writable.getWriter();
  timer.start(() => {
    atStall();
    reader.cancel().catch(() => undefined);
    writer.abort().catch(() => undefined);
  });
  try {
    for (let buffer = new Uint8Array(size); ; ) {
      timer.run();
      const { done, value } = await reader.read(buffer).catch((error: unknown) => {
        atBreak();
        throw error;
      });
      timer.pause();
      if (done) break;
      await writer.write(value);
      buffer = value.buffer.byteLength > 0 ? new Uint8Array(value.buffer) : new Uint8Array(size);
    }
    await writer.close();
  } catch (error) {
    await Promise.allSettled([reader.cancel(error), writer.abort(error)]);
    throw error;
  } finally {
    timer.stop();
  }
};

/** Runs while the client is waited for, not while the origin is. One timer, which is set anew only when it fires. */
class IdleTimer {
  readonly #ms: number;
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param ms how long nothing may come. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  start(atEnd: () => void): void {
    this.#wait(this.#ms, atEnd);
  }

  run(): void {
    this.#since = Date.now();
  }

  pause(): void {
    this.#since = undefined;
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  #wait(ms: number, atEnd: () => void): void {
    this.#timer = setTimeout(() => {
      const left = this.#ms - (this.#since === undefined ? 0 : Date.now() - this.#since);
      if (left > 0) this.#wait(left, atEnd);
      else atEnd();
    }, ms);
  }
}
