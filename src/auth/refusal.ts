// The one 401: the same bytes after the same time, whatever was wrong with the token.
import type { Exchange } from '../exchange.ts';
import { unauthorized } from '../problem.ts';
import { bearerToken } from './bearer.ts';
import { delay } from './delay.ts';
import type { Examiner } from './examine.ts';

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

/** Refuses once the floor is reached. `reason` is for the log alone. */
export const refuse = async (
  exchange: Exchange,
  floor: Floor,
  reason: string,
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
  const token = bearerToken(exchange.request.headers.get('authorization') ?? '');
  if (token !== undefined) examiner.distrust(token);
  return refuse(exchange, startFloor(examiner.floorMs), 'token_revoked');
};
