// The one 401: the same bytes after the same time, whatever was wrong with the token.
import type { Exchange } from '../exchange.ts';
import { unauthorized } from '../problem.ts';
import type { Examiner } from './examine.ts';
import type { Reason } from './reasons.ts';
import { type RefusalDelay, startRefusalDelay } from './refusal-delay.ts';

/** Refuses once the delay is over. `reason` is for the log alone. */
export const refuse = async (
  exchange: Exchange,
  delayed: RefusalDelay,
  reason: Reason,
  tokenGiven = true,
): Promise<Response> => {
  const { trace } = exchange;
  trace.outcome = 'unauthorized';
  trace.reason = reason;
  await delayed;
  return unauthorized(new URL(exchange.request.url).host, tokenGiven);
};

/**
 * Refuses a token that verified but is revoked. The delay starts only here, so the first refusal in an isolate comes later
 * than others, never sooner; from then on the token is refused as any known bad one.
 */
export const refuseRevoked = (exchange: Exchange, examiner: Examiner): Promise<Response> => {
  examiner.distrust(exchange.request);
  return refuse(exchange, startRefusalDelay(examiner.refusalDelayMs), 'token_revoked');
};
