// Entries of ROUTES that match something else than they seem to, match everything without a token, or nothing at all.
import { nearNames } from '../../src/config/near-names.ts';
import type { Config, Route } from '../../src/config/types.ts';
import { exactForm } from '../../src/routing/forms.ts';
import { Graph } from '../../src/routing/graph.ts';
import { error, type Finding, warning } from './finding.ts';
import { foreignSyntax, patternFix } from './patterns.ts';

/** Stand for whatever a parameter or wildcard may match; letters, a number and punctuation tell most patterns apart. */
const VALUES = ['weir', '7', 'A-b.c', 'a/b'];

export const routeFindings = (config: Config): readonly Finding[] => [
  ...config.routes.flatMap(patternFindings),
  ...config.routes.flatMap(methodFindings),
  ...config.routes
    .filter(isOpenCatchAll)
    .map(({ name }) =>
      warning(
        'open-catch-all',
        `The route \`${name}\` lets everyone in everywhere.`,
        'Name the public paths, or use auth `optional`.',
      ),
    ),
  ...config.routes
    .filter((route, index) => isHidden(route, config.routes.slice(0, index)))
    .map(({ name }) =>
      warning(
        'unreachable-route',
        `Earlier routes match everything that \`${name}\` matches.`,
        'Move it up: the first match wins.',
      ),
    ),
];

const patternFindings = ({ name, match = '/*' }: Route): readonly Finding[] => {
  const foreign = foreignSyntax(match);
  if (foreign)
    return [
      error(
        'foreign-pattern',
        `The \`match\` of \`${name}\` does not match what it seems to: ${foreign.why}.`,
        patternFix(foreign.instead),
      ),
    ];
  if (!/.\/$/.test(match)) return [];
  return [
    warning(
      'foreign-pattern',
      `The \`match\` of \`${name}\` matches ${match} alone, and nothing below it.`,
      `Write \`match = "${match}*"\` for all below it, or \`match = "${match.slice(0, -1)}"\`.`,
    ),
  ];
};

/** Other methods may be an origin's own, unless they look like one of these. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const methodFindings = ({ name, methods }: Route): readonly Finding[] =>
  [...(methods ?? [])]
    .filter((method) => !METHODS.includes(method))
    .flatMap((method) => {
      const isAny = method === 'ANY' || method === 'ALL';
      const near = nearNames(method, METHODS);
      if (!isAny && near.length === 0) return [];
      return [
        warning(
          'unreachable-route',
          `No request has the method ${method}, which \`${name}\` asks for.`,
          isAny ? 'Leave `methods` out: then it takes every method.' : `Did you mean ${near.join(' or ')}?`,
        ),
      ];
    });

const isOpenCatchAll = ({ auth, match = '/*' }: Route): boolean =>
  auth === 'none' && ['/', '/weir/check', '/a/b/c.d'].every((path) => matches(match, path));

/** Judged by samples of its paths, so a pattern that none of them fits is left alone. */
const isHidden = (route: Route, earlier: readonly Route[]): boolean => {
  const paths = VALUES.map((value) => sample(route.match ?? '/*', value)).filter((path) =>
    matches(route.match ?? '/*', path),
  );
  const methods = [...(route.methods ?? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'WEIR'])];
  return (
    paths.length > 0 &&
    paths.every((path) => methods.every((method) => earlier.some((each) => takes(each, method, path))))
  );
};

const takes = ({ match = '/*', methods }: Route, method: string, path: string): boolean =>
  methods?.has(method) !== false && matches(match, path);

/** As Weir itself reads a path that is written plainly. */
const matches = (match: string, path: string): boolean => {
  const graph = new Graph([match], exactForm);
  const end = path
    .slice(1)
    .split('/')
    .reduce((state, segment) => graph.step(state, segment), graph.start);
  return end.entries.length > 0;
};

/** A path that the pattern most likely matches. */
const sample = (pattern: string, value: string): string =>
  pattern
    .replace(/[{}]/g, '')
    .replace(/:\w+(\([^)]*\))?[?+*]?/g, value.replace('/', '-'))
    .replace(/\*\??/g, value);
