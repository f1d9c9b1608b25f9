// What can be done to a partition: one Hono app, mounted for subjects and for addresses.
import { Hono } from 'hono';
import type { GenericSchema } from 'valibot';
import { type AdminEnv, requestOf } from './context.ts';
import { type AdminRequest, type Input, overrideOf, type Subject } from './partitions.ts';
import { overrideBody } from './schemas.ts';
import { tell } from './tell.ts';
import { takes } from './validate.ts';

/**
 * @param query names the partition.
 * @param find the partition that a valid request names.
 * @param scope whose policies an override replaces: `default` for a subject, `anonymous` for an address.
 */
export const partitionRoutes = <Query extends GenericSchema<unknown, Input>>(
  query: Query,
  find: (request: AdminRequest) => Subject,
  scope: 'default' | 'anonymous',
) =>
  new Hono<AdminEnv>()
    .get('/', takes({ summary: 'What is left, and what was set', query }), (c) =>
      tell(c, find(requestOf(c, c.req.valid('query'))), (limiter) => limiter.look()),
    )
    .post('/reset', takes({ summary: 'Forgets what was spent', query }), (c) =>
      tell(c, find(requestOf(c, c.req.valid('query'))), (limiter) => limiter.reset()),
    )
    .put('/override', takes({ summary: 'Sets other limits for a while', query, json: overrideBody }), (c) => {
      const request = requestOf(c, c.req.valid('query'), c.req.valid('json'));
      const override = overrideOf(request, scope);
      return tell(c, find(request), (limiter) => limiter.override(override));
    })
    .delete('/override', takes({ summary: 'Lifts the other limits', query }), (c) =>
      tell(c, find(requestOf(c, c.req.valid('query'))), (limiter) => limiter.override(undefined)),
    );
