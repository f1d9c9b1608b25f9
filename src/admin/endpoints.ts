// Every endpoint about a partition: what it takes and does. The OpenAPI document is made of this table.

import type { Schema } from '../lib/schema.ts';
import type { Limiter, State } from '../limiter/limiter.ts';
import { addressOf, markOf, overrideOf, type Subject, subjectOf, type Wish } from './partitions.ts';
import { addressQuery, overrideBody, revokeBody, revokeQuery, subjectQuery } from './schemas.ts';

/** Whom to ask or tell what. Undefined comes of it where there is no room for what was told. */
export interface Order extends Subject {
  readonly act: (limiter: DurableObjectStub<Limiter>) => Promise<State | undefined>;
}

export interface Endpoint {
  readonly summary: string;
  readonly query: Schema;
  readonly body?: Schema;
  readonly order: (wish: Wish) => Order;
}

type Find = (wish: Wish) => Subject;

/** What can be done to any partition, by method and path. */
const common = (
  path: string,
  query: Schema,
  find: Find,
  scope: 'default' | 'anonymous',
): Record<string, Endpoint> => ({
  [`GET ${path}`]: {
    ...{ summary: 'What is left, and what was set', query },
    order: (wish) => ({ ...find(wish), act: (limiter) => limiter.look() }),
  },
  [`POST ${path}/reset`]: {
    ...{ summary: 'Forgets what was spent', query },
    order: (wish) => ({ ...find(wish), act: (limiter) => limiter.reset() }),
  },
  [`PUT ${path}/override`]: {
    ...{ summary: 'Sets other limits for a while', query, body: overrideBody },
    order: (wish) => {
      const override = overrideOf(wish, scope);
      return { ...find(wish), act: (limiter) => limiter.override(override) };
    },
  },
  [`DELETE ${path}/override`]: {
    ...{ summary: 'Lifts the other limits', query },
    order: (wish) => ({ ...find(wish), act: (limiter) => limiter.override(undefined) }),
  },
});

export const endpoints: Readonly<Record<string, Endpoint>> = {
  ...common('/.weir/subjects', subjectQuery, subjectOf, 'default'),
  'POST /.weir/subjects/revoke': {
    ...{
      summary: 'Revokes tokens; one without `jti` only by `before`',
      query: revokeQuery,
      body: revokeBody,
    },
    order: (wish) => {
      const { mark, query } = markOf(wish);
      const act: Order['act'] = (limiter) => (mark.until > wish.now ? limiter.revoke(mark) : limiter.look());
      return { ...subjectOf({ ...wish, query }), act };
    },
  },
  'DELETE /.weir/subjects/revoke': {
    ...{ summary: 'Lifts every revocation', query: subjectQuery },
    order: (wish) => ({ ...subjectOf(wish), act: (limiter) => limiter.pardon() }),
  },
  ...common('/.weir/addresses', addressQuery, addressOf, 'anonymous'),
};
