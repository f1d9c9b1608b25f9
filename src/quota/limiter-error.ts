// A Limiter gave no answer.

/** How long a failing Limiter is first left alone, and what callers are told to wait for it, milliseconds. */
export const LIMITER_RETRY_MS = 1_000;

/** Why no answer was had; for the log. */
export class LimiterError extends Error {
  readonly reason: 'limiter_timeout' | 'limiter_overloaded' | 'limiter_failed' | 'limiter_paused';

  constructor(reason: LimiterError['reason'], cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}
