// What can be done to a partition: one Hono app, mounted for subjects, addresses, every other key, and names in the log.
import { Hono } from 'hono';
import type { GenericSchema } from 'valibot';
import { actOn } from './act-on.ts';
import { type AdminContext, type AdminEnv, requestOf } from './context.ts';
import { invalid } from './invalid.ts';
import { type AdminRequest, type Input, overrideOf, type Partition } from './partitions.ts';
import { overrideBody } from './schemas.ts';
import { takes } from './validate.ts';

interface Queries<Look, Change> {
  readonly look: Look;
  readonly change: Change;
}

type Query = GenericSchema<unknown, Input>;

/**
 * @param queries what names the partition; `change` also takes a reason.
 * @param find the partition that a valid request names.
 */
export const partitionRoutes = <Look extends Query, Change extends Query>(
  { look, change }: Queries<Look, Change>,
  find: (request: AdminRequest, c: AdminContext) => Partition | Promise<Partition>,
) =>
  new Hono<AdminEnv>()
    .get('/', takes({ summary: 'Permits left, override and revocations', query: look }), async (c) => {
      const found = await find(requestOf(c, c.req.valid('query')), c);
      if (found.members) throw invalid('address', 'one address: each client of a network has its own');
      return actOn(c, found, (limiter) => limiter.look());
    })
    .post('/reset', takes({ summary: 'Forgets what was spent', query: change }), async (c) => {
      const query = c.req.valid('query');
      return actOn(c, await find(requestOf(c, query), c), (limiter) => limiter.reset(), query.reason);
    })
    .put(
      '/override',
      takes({ summary: 'Sets other limits until a time', query: look, json: overrideBody }),
      async (c) => {
        const body = c.req.valid('json');
        const request = requestOf(c, c.req.valid('query'), body);
        const found = await find(request, c);
        const override = overrideOf(request, found);
        const detail = `${body.limits} until ${body.until}`;
        return actOn(c, found, (limiter) => limiter.override(override), body.reason, detail);
      },
    )
    .delete('/override', takes({ summary: 'Lifts the override', query: change }), async (c) => {
      const query = c.req.valid('query');
      return actOn(
        c,
        await find(requestOf(c, query), c),
        (limiter) => limiter.override(undefined),
        query.reason,
      );
    });
