// The admin API: a Hono app, mounted under `/.weir` of the deployed Worker. Its contract is the OpenAPI document.
import { Hono, type MiddlewareHandler } from 'hono';
import { startRefusalDelay } from '../auth/refusal-delay.ts';
import { type ConfigSource, configSource, type WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import type { Env } from '../config/vars.ts';
import { internalError, plain, reducedCapacity } from '../problem.ts';
import { LimiterClient } from '../quota/client.ts';
import { LIMITER_RETRY_MS, LimiterError } from '../quota/limiter-error.ts';
import { partitionNamer } from '../report/partition-name.ts';
import type { AdminEnv } from './context.ts';
import { directoryRoutes } from './directory.ts';
import { guard } from './guard.ts';
import { health } from './health.ts';
import { Invalid } from './invalid.ts';
import { namedOf } from './named.ts';
import openapi from './openapi.json' with { type: 'json' };
import { partitionRoutes } from './partition-routes.ts';
import { addressOf, keyedOf, subjectOf } from './partitions.ts';
import { metrics, pulseRoutes } from './pulse-routes.ts';
import { refuseAdmin } from './refusal.ts';
import { revocations } from './revocations.ts';
import { routesView } from './routes-view.ts';
import { addressQuery, keyQuery, partitionQuery, revokeQuery, subjectQuery } from './schemas.ts';
import { configView } from './view.ts';

/**
 * The admin API as a Hono app: health for anybody, all else for the holder of `ADMIN_TOKEN`.
 *
 * @param options those of the `weir()` whose partitions it manages.
 * @example
 * app.route('/.weir', admin({ env: true }));
 */
export const admin = (options: WeirOptions = {}): Hono<AdminEnv> => {
  const app = new Hono<AdminEnv>();
  const configOf = soundConfig(configSource(options));

  app.use(noStore);
  app.get('/health', health(configOf));

  app.use(provide(configOf));
  app.get(
    '/metrics',
    guard(({ adminToken, metricsToken }) => [adminToken, metricsToken]),
    metrics,
  );
  app.use(guard(({ adminToken }) => [adminToken]));
  app.get('/config', (c) => c.body(configView(c.get('config')), 200, { 'Content-Type': 'application/json' }));
  app.get('/openapi.json', (c) => c.json(openapi));
  app.route('/subjects', partitionRoutes(subjectQuery, subjectOf));
  app.route('/subjects/revoke', revocations(revokeQuery, subjectQuery.change, subjectOf));
  app.route('/addresses', partitionRoutes(addressQuery, addressOf));
  app.route('/keys', partitionRoutes(keyQuery, keyedOf));
  app.route('/partitions', partitionRoutes(partitionQuery, namedOf));
  app.route('/partitions/revoke', revocations(partitionQuery.look, partitionQuery.change, namedOf));
  app.route('/routes', routesView);
  app.route('/', pulseRoutes);
  app.route('/', directoryRoutes);
  app.all('*', (c) => refuseAdmin(c, startRefusalDelay(c.get('config').tokens.unauthorizedDelayMs)));

  return app.onError(refusalOf);
};

/** Reads the configuration once; undefined where it is broken, which the log reports when a caller comes. */
const soundConfig = (read: ConfigSource): ((env: Env) => Config | undefined) => {
  let known: { readonly config: Config | undefined } | undefined;
  return (env) => {
    known ??= { config: attempt(() => read(env)) };
    return known.config;
  };
};

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

const noStore: MiddlewareHandler<AdminEnv> = (c, next) => {
  c.header('Cache-Control', 'no-store');
  return next();
};

/** Provides what the handlers share. Under a broken configuration only `/health` answers. */
const provide = (configOf: (env: Env) => Config | undefined): MiddlewareHandler<AdminEnv> => {
  let shared: Omit<AdminEnv['Variables'], 'config'> | undefined;
  return async function provide(c, next) {
    const config = configOf(c.env);
    if (config === undefined) return refuseAdmin(c, undefined);
    shared ??= { limiters: new LimiterClient(config), nameOf: partitionNamer(config.partitionSecret) };
    c.set('config', config);
    c.set('limiters', shared.limiters);
    c.set('nameOf', shared.nameOf);
    await next();
  };
};

const refusalOf = (error: Error): Response => {
  if (error instanceof LimiterError) return reducedCapacity(LIMITER_RETRY_MS);
  if (error instanceof Invalid) return plain(error.status, {}, { errors: error.faults });
  console.error(JSON.stringify({ outcome: 'internal_error', reason: String(error).slice(0, 200) }));
  return internalError();
};
