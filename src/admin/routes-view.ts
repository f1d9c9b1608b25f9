// Routes and policies in force, and which of them a path meets. No tokens.
import { Hono } from 'hono';
import type { Config } from '../config/types.ts';
import { policyRows, rowsOf } from '../quota/policy-rows.ts';
import { routeOf } from '../routing/route-of.ts';
import type { AdminEnv } from './context.ts';
import { invalid } from './invalid.ts';
import { pathQuery } from './schemas.ts';
import { takes } from './validate.ts';
import type { RoutesView, TriedView } from './views.ts';

export const routesView = new Hono<AdminEnv>()
  .get('/', takes({ summary: 'The policies in force', answer: 'Any' }), (c) => {
    const view: RoutesView = { rows: policyRows(c.get('config')) };
    return c.json(view);
  })
  .get(
    '/try',
    takes({ summary: 'Which route and policies a path meets', query: pathQuery, answer: 'Any' }),
    (c) => {
      const { method = 'GET', path } = c.req.valid('query');
      return c.json(tried(c.get('config'), method, path));
    },
  );

/** Finds the route by the code that routes callers' requests. */
const tried = (config: Config, method: string, path: string): TriedView => {
  const route = routeOf(config)(new Request(`https://weir.invalid${path}`, { method }));
  if (route === undefined) throw invalid('path', 'a path that can be routed within the work allowed for one');
  const { name, match = '*', auth, mode, cost, scopes } = route;
  return { route: name, match, auth, mode, cost, scopes, rows: rowsOf(config, route) };
};
