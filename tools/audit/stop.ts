// The ways a check, or the whole audit, ends before its time. None of them is a verdict of its own.

/** The check cannot answer; its text is the reason that the report gives for skipping it. */
export class Inconclusive extends Error {}

/** The whole audit ends here: Ctrl-C, a storm of server errors, a host that no longer answers. */
export class Stopped extends Error {}

/** Waits `ms` milliseconds, or throws as soon as the audit is stopped. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(stopReason(signal));
    const stop = () => {
      clearTimeout(timer);
      reject(stopReason(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });

/** What to throw once `signal` is aborted. */
export const stopReason = (signal: AbortSignal): Stopped =>
  signal.reason instanceof Stopped ? signal.reason : new Stopped('interrupted');
