// The admin API: everything under `/.weir`, answered before the pipeline. Its contract is the OpenAPI document.
import { startFloor } from '../auth/floor.ts';
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import { MAX_JTIS } from '../limiter/standing.ts';
import { answer, internalError, plain, reducedCapacity } from '../problem.ts';
import { LimiterClient, LimiterError } from '../quota/client.ts';
import { log, requestId } from '../report/log.ts';
import { partitionNamer } from '../report/partition-name.ts';
import { pathOf } from '../routing/readings.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { guard } from './guard.ts';
import { Invalid, invalid } from './invalid.ts';
import { openapi } from './openapi.ts';
import { readBody, readQuery } from './read.ts';
import { configView, stateView } from './view.ts';

const RETRY_MS = 1_000;

type Handler = (request: Request, env: Bindings, ctx: ExecutionContext) => Promise<Response>;

/** @param config undefined where the vars are wrong: then there is nothing but health. */
export const admin = (config: Config | undefined): Handler => {
  const isAdmin = guard(config?.adminToken);
  const fulfil = config && answerer(config);
  return async function admin(request, env, ctx) {
    const action = `${request.method} ${pathOf(request.url)}`;
    if (/^(GET|HEAD) \/\.weir\/health$/.test(action)) return health(config !== undefined);
    // The floor hides how long the token was looked at, as it does for callers' tokens.
    const floor = startFloor(config?.tokens.unauthorizedDelayMs ?? 0);
    const response = (await isAdmin(request, env, ctx)) ? await fulfil?.(action, request, env) : undefined;
    if (response !== undefined) return response;
    await floor;
    log(() => refusalLine(request), ctx);
    return plain(404);
  };
};

const refusalLine = ({ headers }: Request) => ({
  ...{ id: requestId(headers), outcome: 'unauthorized', reason: 'admin_refused', status: 404 },
});

const json = (body: string, status = 200): Response => answer(status, 'application/json', body);

const health = (good: boolean): Response =>
  json(JSON.stringify({ status: good ? 'ok' : 'misconfigured' }), good ? 200 : 503);

/** Undefined: there is no such thing to do. */
const answerer = (config: Config) => {
  const fulfil = fulfiller(config);
  return async (action: string, request: Request, env: Bindings): Promise<Response | undefined> => {
    if (action === 'GET /.weir/config') return json(configView(config));
    if (action === 'GET /.weir/openapi.json') return json(JSON.stringify(openapi()));
    const endpoint = Object.hasOwn(endpoints, action) ? endpoints[action] : undefined;
    return endpoint && fulfil(endpoint, action, request, env).catch(refusalOf);
  };
};

const fulfiller = (config: Config) => {
  const client = new LimiterClient(config);
  const nameOf = partitionNamer(config.partitionSecret);
  return async (endpoint: Endpoint, action: string, request: Request, env: Bindings): Promise<Response> => {
    const query = readQuery(request.url, endpoint.query);
    const body = endpoint.body ? await readBody(request.body, endpoint.body) : {};
    const { partition, names, act } = endpoint.order({ config, query, body, now: Date.now() });
    const state = await client.call(env, partition, act);
    if (state === undefined)
      throw invalid('jti', `at most ${MAX_JTIS} at once; \`before\` revokes more`, 409);
    const name = (await nameOf(partition)) ?? null;
    if (request.method !== 'GET')
      console.log(
        JSON.stringify({ id: requestId(request.headers), outcome: 'admin', action, partition: name }),
      );
    return json(JSON.stringify({ ...names, partition: name, ...stateView(state) }));
  };
};

const refusalOf = (error: unknown): Response => {
  if (error instanceof LimiterError) return reducedCapacity(RETRY_MS);
  if (!(error instanceof Invalid)) {
    console.error(JSON.stringify({ outcome: 'internal_error', reason: String(error).slice(0, 200) }));
    return internalError();
  }
  return plain(error.status, {}, { errors: error.faults });
};
