// Zone routes: which requests come to the Worker at all. https://developers.cloudflare.com/workers/configuration/routing/routes/
import type { Config } from '../../src/config/types.ts';
import { listOf, type Table, tableOf } from './config-file.ts';
import { error, type Finding, warning } from './finding.ts';

/** One `route` or entry of `routes`. */
export interface ZoneRoute {
  readonly pattern: string;
  /** All paths of a host, with no origin behind it. */
  readonly isCustomDomain: boolean;
  readonly zoneName: string | undefined;
  /** 32 hexadecimal digits, which the dashboard shows. */
  readonly zoneId: string | undefined;
  /** An entry of ROUTES, in a place where it is none. */
  readonly isOurs: boolean;
  /** Keys that a route of wrangler's does not have. */
  readonly strange: readonly string[];
}

/** Of a route, by wrangler. */
const KEYS = ['pattern', 'zone_name', 'zone_id', 'custom_domain', 'enabled', 'previews_enabled'];

export const zoneRoutesOf = ({ route, routes }: Table): readonly ZoneRoute[] =>
  (route === undefined ? listOf(routes) : [route]).map((entry) => {
    const keys: Table = typeof entry === 'string' ? { pattern: entry } : tableOf(entry);
    const { pattern, custom_domain, zone_name, zone_id, match, limits } = keys;
    return {
      pattern: String(pattern ?? ''),
      isCustomDomain: custom_domain === true,
      zoneName: zone_name === undefined ? undefined : String(zone_name),
      zoneId: zone_id === undefined ? undefined : String(zone_id),
      strange: Object.keys(keys).filter((key) => !KEYS.includes(key)),
      isOurs: pattern === undefined && (match !== undefined || limits !== undefined),
    };
  });

/** Host and path of a pattern, its scheme left out. */
export const partsOf = ({ pattern }: ZoneRoute): { readonly host: string; readonly path: string } => {
  const [host = '', ...path] = pattern.replace(/^https?:\/\//, '').split('/');
  return { host: host.toLowerCase(), path: path.length === 0 ? '' : `/${path.join('/')}` };
};

/** Whether a host is one that the pattern's host stands for. */
export const coversHost = (route: ZoneRoute, host: string): boolean =>
  wildcard(partsOf(route).host).test(host.toLowerCase());

const wildcard = (pattern: string): RegExp => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export const zoneRouteFindings = (settings: Table, config: Config | undefined): readonly Finding[] => {
  const routes = zoneRoutesOf(settings);
  return [
    ...(settings.route !== undefined && settings.routes !== undefined ? [TWICE] : []),
    ...routes.flatMap(findingsOf),
    ...(config ? uncovered(config, routes) : []),
  ];
};

const TWICE = error(
  'zone-route',
  'Both `route` and `routes` are there, of which wrangler takes one.',
  'Write all of them in `routes`.',
);

/** A route of an environment that an earlier one has, too: Cloudflare gives it to one Worker alone. */
export interface SharedRoute {
  readonly pattern: string;
  readonly environment: string;
  readonly other: string;
  /** The environment has no routes of its own, and so those of the top level. */
  readonly isInherited: boolean;
}

interface Environment {
  readonly environment: string | undefined;
  readonly settings: Table;
}

/** Where one environment alone inherits, it may well be the only one that is deployed. */
export const sharedRoutes = (all: readonly Environment[], index: number): readonly SharedRoute[] => {
  const { environment, settings } = all[index] ?? {};
  if (environment === undefined || settings === undefined) return [];
  return zoneRoutesOf(settings).flatMap(({ pattern }) => {
    const has = (each: Environment) => zoneRoutesOf(each.settings).some((route) => route.pattern === pattern);
    const other = all.slice(0, index).find(has);
    if (other === undefined) return [];
    const isInherited =
      settings.routes === all[0]?.settings.routes && settings.route === all[0]?.settings.route;
    return [{ pattern, environment, other: other.environment ?? 'the top level', isInherited }];
  });
};

export const sharedRouteFindings = (shared: readonly SharedRoute[]): readonly Finding[] =>
  shared
    .filter(({ isInherited }) => !isInherited)
    .map(({ pattern, environment, other }) =>
      warning(
        'zone-route',
        `The route \`${pattern}\` is ${other}’s as well as ${environment}’s, and Cloudflare gives it to one Worker alone.`,
        `Write another pattern in \`[env.${environment}]\`, or take it away from ${other}.`,
      ),
    );

const findingsOf = (route: ZoneRoute): readonly Finding[] => {
  const { host, path } = partsOf(route);
  if (route.isOurs)
    return [
      error(
        'outside-vars',
        'An entry of `[[routes]]`, which is wrangler’s own, has a `match` or `limits`, which are Weir’s.',
        'Write it as `[[vars.ROUTES]]`; `[[routes]]` has a `pattern` and a `zone_name`.',
      ),
    ];
  const [strange] = route.strange;
  if (strange !== undefined)
    return [
      error(
        'zone-route',
        `The route \`${route.pattern}\` has a \`${strange}\`, which wrangler refuses.`,
        /zone/i.test(strange) ? 'Write `zone_name = "example.com"` with your zone.' : 'Remove it.',
      ),
    ];
  if (host === '') return [faulty(route, 'names no host', 'such as `api.example.com/*`')];
  const [, port] = /:(\d+)$/.exec(host) ?? [];
  if (port !== undefined)
    return [
      faulty(route, 'names a port, which no route has', `\`${host.replace(/:\d+$/, '')}${path || '/*'}\``),
    ];
  if (/\.[*+]$|[\^|]/.test(path))
    return [
      faulty(
        route,
        'is a regular expression, of which Cloudflare takes every character as it stands',
        `\`${host}${path.replace(/[^/]*(\.[*+]|[\^|]).*$/, '')}*\``,
      ),
    ];
  if (/[:{}()?#<>[\]]/.test(path))
    return [
      faulty(
        route,
        'has more than text and a `*` at its end, which Cloudflare takes as it stands',
        `\`${host}${path.replace(/[^/]*[:{}()?#<>[\]].*$/, '')}*\``,
      ),
    ];
  if (route.isCustomDomain)
    return path === '' && !host.includes('*')
      ? []
      : [
          faulty(
            route,
            'is a custom domain, which has neither a path nor a wildcard',
            `\`${host.replace(/^[*.]+/, '')}\``,
          ),
        ];
  if (/\*./.test(path) || /.\*/.test(host))
    return [
      faulty(
        route,
        'has a wildcard elsewhere than at its ends, where Cloudflare takes none',
        `\`${host.replace(/(?<=.)\*/g, '')}/*\``,
      ),
    ];
  const named = zoneFindings(route, host);
  if (named.length > 0) return named;
  if (!isIn(host, route.zoneName))
    return [
      faulty(
        route,
        `does not belong to the zone ${route.zoneName}`,
        `a pattern of that zone`,
        `or set \`zone_name\` to the zone of ${host}`,
      ),
    ];
  if (!path.endsWith('*'))
    return [
      faulty(
        route,
        `matches the path \`${path || '/'}\` and nothing else`,
        `\`${host}${path.replace(/\/$/, '')}/*\``,
      ),
    ];
  return byScheme(route);
};

/** A pattern with a scheme leaves out the other one, whose requests go to the origin unchecked. */
const byScheme = ({ pattern }: ZoneRoute): readonly Finding[] => {
  const [, scheme] = /^(https?):\/\//.exec(pattern) ?? [];
  if (scheme === undefined) return [];
  // Over http the zone may answer with a redirect alone.
  const [level, other] = scheme === 'http' ? ([error, 'https'] as const) : ([warning, 'http'] as const);
  return [
    level(
      'zone-route',
      `The route \`${pattern}\` leaves out requests over ${other}, which pass Weir by.`,
      `Write \`${pattern.replace(/^https?:\/\//, '')}\` as its pattern.`,
    ),
  ];
};

const isIn = (host: string, zone: string | undefined): boolean => {
  const bare = host.replace(/^\*\.?/, '');
  return zone === undefined || bare === zone || bare.endsWith(`.${zone}`);
};

/** A zone is named by its host name alone, or by its id. */
const zoneFindings = ({ pattern, zoneName, zoneId }: ZoneRoute, host: string): readonly Finding[] => {
  const of = (what: string, instead: string): Finding =>
    error('zone-route', `The route \`${pattern}\` has a ${what}.`, `Write ${instead}.`);
  if (zoneId !== undefined && !/^[\da-f]{32}$/i.test(zoneId))
    return [
      of(
        `\`zone_id\` \`${zoneId}\`, which is no id`,
        zoneId.includes('.') ? `\`zone_name = "${zoneId}"\`` : 'the 32 digits that the dashboard shows',
      ),
    ];
  if (zoneName === undefined) return [];
  if (/^[\da-f]{32}$/i.test(zoneName))
    return [of(`\`zone_name\` that is an id`, `\`zone_id = "${zoneName}"\` in its place`)];
  const bare = zoneName
    .toLowerCase()
    .replace(/^https?:\/\/|[/:].*$|^\*?\./g, '')
    .replace(/[/:*].*$/, '');
  return bare !== zoneName && isIn(host, bare)
    ? [of(`\`zone_name\` \`${zoneName}\`, which is no zone's name`, `\`zone_name = "${bare}"\``)]
    : [];
};

const faulty = ({ pattern }: ZoneRoute, what: string, instead: string, or = ''): Finding =>
  error(
    'zone-route',
    `The route \`${pattern}\` ${what}.`,
    `Write ${instead} as its pattern${or === '' ? '' : `, ${or}`}.`,
  );

/** Entries of ROUTES that no path can reach, since no zone route leads there. */
const uncovered = ({ routes }: Config, zoneRoutes: readonly ZoneRoute[]): readonly Finding[] => {
  if (zoneRoutes.length === 0 || zoneRoutes.some(({ isCustomDomain }) => isCustomDomain)) return [];
  const prefixes = zoneRoutes.map((route) => partsOf(route).path.replace(/\*$/, ''));
  return routes.flatMap(({ name, match = '/*' }) => {
    const fixed = fixedPart(match);
    if (prefixes.some((prefix) => fixed.startsWith(prefix) || prefix.startsWith(fixed))) return [];
    const [first] = zoneRoutes.map((route) => partsOf(route).host);
    return [
      warning(
        'match-outside-routes',
        `\`${name}\` matches ${match}, which no zone route brings to the Worker (${zoneRoutes.map(({ pattern }) => pattern).join(', ')}).`,
        `Add a route \`${first}${fixed}*\`, or widen one to \`${first}/*\`.`,
      ),
    ];
  });
};

/** What every path that a `match` fits begins with. */
const fixedPart = (match: string): string => /^[^:*({?+]*/.exec(match)?.[0] ?? '/';
