// The one 401: the same bytes after the same time, whatever was wrong with the token.
import type { Exchange } from '../exchange.ts';
import { unauthorized } from '../problem.ts';
import type { Examiner } from './examine.ts';
import { type Floor, startFloor } from './floor.ts';
import type { Reason } from './reasons.ts';

/** Refuses once the floor is reached. `reason` is for the log alone. */
export const refuse = async (
  exchange: Exchange,
  floor: Floor,
  reason: Reason,
  tokenGiven = true,
): Promise<Response> => {
  const { trace } = exchange;
  trace.outcome = 'unauthorized';
  trace.reason = reason;
  await floor;
  return unauthorized(new URL(exchange.request.url).host, tokenGiven);
};

/**
 * Refuses a token that verified but is revoked. That the floor starts only here makes its first refusal in an isolate
 * later than others, never sooner; from then on it is refused as any known bad token is.
 */
export const refuseRevoked = (exchange: Exchange, examiner: Examiner): Promise<Response> => {
  examiner.distrust(exchange.request);
  return refuse(exchange, startFloor(examiner.floorMs), 'token_revoked');
};
