// The one 404 of the admin API: for a wrong token as for a path that does not exist.
import type { Context } from 'hono';
import type { RefusalDelay } from '../auth/refusal-delay.ts';
import { plain } from '../problem.ts';
import { log, requestId } from '../report/log.ts';

/** @param delayed hides how long the token was looked at, as it does for callers' tokens. */
export const refuseAdmin = async (c: Context, delayed: RefusalDelay): Promise<Response> => {
  await delayed;
  log(() => refusalLine(c.req.raw), c.executionCtx);
  return plain(404);
};

const refusalLine = ({ headers }: Request) => ({
  id: requestId(headers),
  outcome: 'unauthorized',
  reason: 'admin_refused',
  status: 404,
});
