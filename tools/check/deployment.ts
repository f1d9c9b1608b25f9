// What `wrangler.toml` says about the Worker's bindings and about how requests come to it and leave it.
import { error, type Finding, warning } from './finding.ts';
import { listOf, type Table, type Target, tableOf } from './targets.ts';

export const deploymentFindings = (target: Target): readonly Finding[] => [
  ...bindingFindings(target.settings),
  ...entranceFindings(target.settings),
  ...originFindings(target),
];

const bindingFindings = (settings: Table): readonly Finding[] => {
  const missing = (binding: string, kind: string) =>
    error(
      'missing-binding',
      `The ${kind} ${binding} is not bound.`,
      `Copy its part of the top level; environments do not inherit bindings.`,
    );
  const found: Finding[] = [];
  if (!has(tableOf(settings.durable_objects).bindings, 'name', 'LIMITER'))
    found.push(missing('LIMITER', 'Durable Object'));
  if (!has(settings.ratelimits, 'name', 'AUTH_FAILURES'))
    found.push(missing('AUTH_FAILURES', 'rate limiting binding'));
  return found;
};

const entranceFindings = (settings: Table): readonly Finding[] => {
  const routes = routesOf(settings);
  const open = ['workers_dev', 'preview_urls'].filter((name) => settings[name] === true);
  if (routes.length === 0 && settings.workers_dev === false)
    return [
      warning('no-route', 'No route leads to the Worker.', 'Add a `[[routes]]` with the zone to guard.'),
    ];
  if (routes.length === 0) return [];
  return open.map((name) =>
    warning(
      'workers-dev-open',
      `${name} is on: whoever finds that address comes around the zone's own rules.`,
      `Set ${name} = false.`,
    ),
  );
};

const originFindings = ({ settings, env }: Target): readonly Finding[] => {
  if (env.ORIGIN_URL || has(settings.services, 'binding', 'ORIGIN')) return [];
  const routes = routesOf(settings);
  const zoneless = routes.filter((route) => tableOf(route).custom_domain === true);
  if (zoneless.length > 0 || (routes.length === 0 && settings.workers_dev === true))
    return [
      error(
        'no-origin',
        'Behind a custom domain or workers.dev there is no origin of its own.',
        'Set ORIGIN_URL, or bind a service as ORIGIN.',
      ),
    ];
  if (listOf(settings.compatibility_flags).includes('global_fetch_strictly_public'))
    return [
      error(
        'origin-loop',
        'With global_fetch_strictly_public the Worker would fetch from itself.',
        'Remove the flag, or set ORIGIN_URL.',
      ),
    ];
  return [];
};

const routesOf = ({ route, routes }: Table): readonly unknown[] =>
  route === undefined ? listOf(routes) : [route];

const has = (bindings: unknown, key: string, name: string): boolean =>
  listOf(bindings).some((binding) => tableOf(binding)[key] === name);
