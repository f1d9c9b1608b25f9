// The one 404 of the admin API: for a wrong token as for a path that does not exist.
import type { Context } from 'hono';
import type { Floor } from '../auth/floor.ts';
import { plain } from '../problem.ts';
import { log, requestId } from '../report/log.ts';

/** @param floor hides how long the token was looked at, as it does for callers' tokens. */
export const refuseAdmin = async (c: Context, floor: Floor): Promise<Response> => {
  await floor;
  log(() => refusalLine(c.req.raw), c.executionCtx);
  return plain(404);
};

const refusalLine = ({ headers }: Request) => ({
  id: requestId(headers),
  outcome: 'unauthorized',
  reason: 'admin_refused',
  status: 404,
});
