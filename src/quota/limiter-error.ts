// A Limiter gave no answer.

/** Why no answer was had; for the log. */
export class LimiterError extends Error {
  readonly reason: 'limiter_timeout' | 'limiter_overloaded' | 'limiter_failed' | 'limiter_paused';

  constructor(reason: LimiterError['reason'], cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}
