// Revoking tokens of a subject, and lifting it.
import { Hono } from 'hono';
import { type AdminEnv, requestOf } from './context.ts';
import { markOf, subjectOf } from './partitions.ts';
import { revokeBody, revokeQuery, subjectQuery } from './schemas.ts';
import { tell } from './tell.ts';
import { takes } from './validate.ts';

const SUMMARY = 'Revokes tokens; one without `jti` only by `before`';

export const revocations = new Hono<AdminEnv>()
  .post('/', takes({ summary: SUMMARY, query: revokeQuery, json: revokeBody }), (c) => {
    const request = requestOf(c, c.req.valid('query'), c.req.valid('json'));
    const { mark, query } = markOf(request);
    const subject = subjectOf({ ...request, query });
    return tell(c, subject, (limiter) => (mark.until > request.now ? limiter.revoke(mark) : limiter.look()));
  })
  .delete('/', takes({ summary: 'Lifts every revocation', query: subjectQuery }), (c) =>
    tell(c, subjectOf(requestOf(c, c.req.valid('query'))), (limiter) => limiter.liftRevocations()),
  );
