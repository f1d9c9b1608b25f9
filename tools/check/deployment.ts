// What the configuration file says about how requests come to the Worker and leave it, and what it runs on.
import type { Config } from '../../src/config/types.ts';
import { blankIn, isUnreachable } from './addresses.ts';
import { bindingFindings, isBound } from './bindings.ts';
import { listOf, type Table, tableOf } from './config-file.ts';
import { error, type Finding, warning } from './finding.ts';
import { shapeFindings } from './shape.ts';
import type { Target } from './targets.ts';
import { coversHost, partsOf, sharedRouteFindings, zoneRouteFindings, zoneRoutesOf } from './zone-routes.ts';

/** @param config undefined where the parser refuses the vars. */
export const deploymentFindings = (target: Target, config: Config | undefined): readonly Finding[] => [
  ...shapeFindings(target.settings),
  ...bindingFindings(target.settings, target.isOurWorker),
  ...entranceFindings(target.settings),
  ...zoneRouteFindings(target.settings, config),
  ...sharedRouteFindings(target.sharedRoutes),
  ...earlierFindings(target.settings),
  ...consoleFindings(target),
  ...(target.isOurWorker ? originFindings(target) : ownOriginFindings(target)),
  ...(target.settings.main === undefined ? [] : runtimeFindings(target.settings)),
  ...target.ignoredFiles.map(ignoredFile),
];

const entranceFindings = (settings: Table): readonly Finding[] => {
  const routes = zoneRoutesOf(settings);
  const open = ['workers_dev', 'preview_urls'].filter((name) => settings[name] === true);
  if (routes.length === 0 && settings.workers_dev === false)
    return [
      warning('no-route', 'No route leads to the Worker.', 'Add a `[[routes]]` with the zone to guard.'),
    ];
  if (routes.length === 0) return [];
  return open.map((name) =>
    warning(
      'workers-dev-open',
      `${name} is on: anyone who finds that address bypasses the zone's own rules.`,
      `Set ${name} = false.`,
    ),
  );
};

/** The console has a host of its own: whatever else is there is answered by it, or by nobody. */
const consoleFindings = ({ settings, env: { CONSOLE_HOST } }: Target): readonly Finding[] => {
  const host = String(CONSOLE_HOST ?? '').toLowerCase();
  const routes = zoneRoutesOf(settings);
  if (!/^[\w.-]+$/.test(host) || routes.length === 0) return [];
  if (!routes.some((route) => coversHost(route, host)))
    return [
      warning(
        'no-route',
        `No route leads to ${host}, so that nobody reaches the console.`,
        `Add \`{ pattern = "${host}", custom_domain = true }\` to \`routes\`.`,
      ),
    ];
  return routes.every((route) => partsOf(route).host === host)
    ? [
        error(
          'no-route',
          `CONSOLE_HOST is ${host}, where the console answers every request: no route is left for the API.`,
          'Write a host that nothing else is served at, such as `CONSOLE_HOST = "console.example.com"`, with a route.',
        ),
      ]
    : [];
};

/** What answers a request before any code of the Worker runs. */
const earlierFindings = ({ cache, assets }: Table): readonly Finding[] => {
  const found: Finding[] = [];
  if ([true, 'true'].some((on) => cache === on || tableOf(cache).enabled === on))
    found.push(
      error(
        'answered-before-weir',
        '`[cache] enabled = true` puts a cache before the Worker: a hit reaches whoever asks, unchecked and uncounted.',
        'Remove `[cache]`; the origin’s responses are cached behind Weir as their `Cache-Control` says.',
      ),
    );
  if (tableOf(assets).directory !== undefined && tableOf(assets).run_worker_first !== true)
    found.push(
      error(
        'answered-before-weir',
        'Static assets answer before the Worker, unchecked and uncounted.',
        'Set `run_worker_first = true` in `[assets]`, or serve them from another Worker.',
      ),
    );
  return found;
};

/** Where a Worker of one's own sends requests, if it is told by a var of ours. */
const ownOriginFindings = ({ settings, prefix, env }: Target): readonly Finding[] =>
  prefix !== undefined && env.ORIGIN_URL ? originUrlFindings(settings, String(env.ORIGIN_URL)) : [];

const originFindings = ({ settings, env }: Target): readonly Finding[] => {
  const itself = listOf(settings.services)
    .map(tableOf)
    .find(
      ({ binding, service }) => binding === 'ORIGIN' && service !== undefined && service === settings.name,
    );
  if (itself)
    return [
      error(
        'origin-loop',
        `ORIGIN is bound to ${itself.service}, which is this Worker itself.`,
        'Write the name of the Worker behind it as `service`.',
      ),
    ];
  if (env.ORIGIN_URL)
    return [
      ...originUrlFindings(settings, String(env.ORIGIN_URL)),
      ...(isBound(settings, 'ORIGIN') ? [IDLE_SERVICE] : []),
    ];
  if (isBound(settings, 'ORIGIN')) return [];
  const routes = zoneRoutesOf(settings);
  const zoneless = routes.filter(({ isCustomDomain }) => isCustomDomain);
  if (zoneless.length > 0 || (routes.length === 0 && settings.workers_dev === true))
    return [
      error(
        'no-origin',
        'A custom domain or workers.dev has no origin of its own behind it.',
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

const IDLE_SERVICE = warning(
  'no-effect',
  'ORIGIN_URL is set, so that the service bound as ORIGIN is asked nothing.',
  'Remove one of the two.',
);

/** What is no part of one server's address: a pattern's `*`, a second address, `https:/`. */
const strangeIn = (text: string, url: URL): string | undefined => {
  if (url.pathname.includes('*')) return url.pathname;
  if (!/^https?:\/\/[^/]/i.test(text)) return /^[^/]*\/?/.exec(text)?.[0];
  return /[\s,;|].*/.exec(text)?.[0];
};

const originUrlFindings = (settings: Table, text: string): readonly Finding[] => {
  const url = URL.parse(text);
  if (url === null) return [];
  const found: Finding[] = [];
  const rest = blankIn(text) ?? strangeIn(text, url);
  if (rest !== undefined)
    found.push(
      error(
        'origin-address',
        `ORIGIN_URL is \`${text}\`, in which \`${rest}\` is no part of one server’s address.`,
        `Write the origin’s own address, such as \`ORIGIN_URL = "https://origin.example.net"\`; a request’s path is put behind it.`,
      ),
    );
  if (isUnreachable(url))
    found.push(
      error(
        'local-address',
        `ORIGIN_URL is ${url.origin}, which Cloudflare's edge cannot reach.`,
        'Keep it in `.dev.vars` for `wrangler dev`; for the deployed Worker write the origin’s public URL, or use a Cloudflare Tunnel.',
      ),
    );
  if (url.hostname.endsWith('.workers.dev') && url.hostname.startsWith(`${settings.name}.`))
    found.push(
      error(
        'origin-loop',
        `ORIGIN_URL leads to ${url.hostname}, which is this Worker itself.`,
        'Write the host name of the origin behind it.',
      ),
    );
  const loop = zoneRoutesOf(settings).find((route) => coversHost(route, url.hostname));
  if (loop)
    found.push(
      error(
        'origin-loop',
        `ORIGIN_URL leads to ${url.hostname}, whose route \`${loop.pattern}\` leads back to Weir.`,
        'Remove ORIGIN_URL, so that the zone’s own origin is asked, or write the origin’s own host name.',
      ),
    );
  return found;
};

/** Before this date, one request could not wake another. */
const OLDEST_DATE = '2024-10-14';

/** A client that leaves ends the origin request too. */
const FLAGS = ['enable_request_signal', 'request_signal_passthrough'];

/** Undo them, whatever stands beside. */
const OPPOSITES = ['disable_request_signal', 'no_request_signal_passthrough'];

const runtimeFindings = (settings: Table): readonly Finding[] => {
  const flags = listOf(settings.compatibility_flags);
  const missing = FLAGS.filter((name) => !flags.includes(name));
  const off = flags.filter((name) => OPPOSITES.includes(String(name)));
  const found = [...dateFindings(settings)];
  if (missing.length > 0)
    found.push(
      error(
        'compatibility',
        `The compatibility flag ${missing.join(' and ')} is missing: origin requests would outlive clients that left.`,
        `Write \`compatibility_flags = ${JSON.stringify(FLAGS).replaceAll(',', ', ')}\`.`,
      ),
    );
  for (const name of off)
    found.push(
      error('compatibility', `The compatibility flag ${name} undoes what Weir needs.`, `Remove \`${name}\`.`),
    );
  return found;
};

/** TOML has dates of its own, without quotes, which wrangler does not take. */
const dateFindings = ({ compatibility_date: date = '' }: Table): readonly Finding[] => {
  if (date instanceof Date) return [];
  const today = new Date().toISOString().slice(0, 10);
  const text = String(date);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && text >= OLDEST_DATE && text <= today) return [];
  const what =
    text === ''
      ? 'There is no compatibility_date.'
      : text > today && /^\d{4}-/.test(text)
        ? `The compatibility_date ${text} is to come, which Cloudflare refuses.`
        : `Weir does not work with the compatibility_date ${text}.`;
  return [
    error('compatibility', what, `Write \`compatibility_date = "${today}"\`, or any from ${OLDEST_DATE} on.`),
  ];
};

const ignoredFile = (path: string): Finding =>
  warning(
    'ignored-file',
    `Wrangler does not read ${path}, since there is another configuration file.`,
    'Remove the one that you do not use.',
  );
