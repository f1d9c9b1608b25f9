// Revokes tokens of a subject, and lifts its revocations.
import { Hono } from 'hono';
import type { GenericSchema } from 'valibot';
import { actOn } from './act-on.ts';
import { type AdminContext, type AdminEnv, requestOf } from './context.ts';
import { type AdminRequest, type Input, markOf, type Partition } from './partitions.ts';
import { revokeBody } from './schemas.ts';
import { takes } from './validate.ts';

const SUMMARY = 'Revokes tokens; those without `jti` only by `before`';

type Query = GenericSchema<unknown, Input>;

/**
 * @param revokeQuery what names the subject; a token to revoke may do so itself.
 * @param liftQuery the same, with a reason.
 * @param find the partition that a valid request names.
 */
export const revocations = <Revoke extends Query, Lift extends Query>(
  revokeQuery: Revoke,
  liftQuery: Lift,
  find: (request: AdminRequest, c: AdminContext) => Partition | Promise<Partition>,
) =>
  new Hono<AdminEnv>()
    .post('/', takes({ summary: SUMMARY, query: revokeQuery, json: revokeBody }), async (c) => {
      const body = c.req.valid('json');
      const request = requestOf(c, c.req.valid('query'), body);
      const { mark, query } = markOf(request);
      const found = await find({ ...request, query }, c);
      const detail = 'before' in mark ? `before ${new Date(mark.before).toISOString()}` : `jti ${mark.jti}`;
      return actOn(
        c,
        found,
        (limiter) => (mark.until > request.now ? limiter.revoke(mark) : limiter.look()),
        body.reason,
        detail,
      );
    })
    .delete('/', takes({ summary: 'Lifts every revocation', query: liftQuery }), async (c) => {
      const query = c.req.valid('query');
      return actOn(
        c,
        await find(requestOf(c, query), c),
        (limiter) => limiter.liftRevocations(),
        query.reason,
      );
    });
