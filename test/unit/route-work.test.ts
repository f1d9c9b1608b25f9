// What finding a route may cost: no path makes it dearer than two plain requests, and no ordinary one is refused for it.
import { afterAll, describe, expect, it } from 'vitest';
import { type Random, seeded } from '../../bench/simulation/random.ts';
import { parseConfig } from '../../src/config/config.ts';
import { foldedForm } from '../../src/routing/forms.ts';
import { Graph } from '../../src/routing/graph.ts';
import { budgetOf, MAX_WORK, read } from '../../src/routing/readings.ts';
import { routeOf } from '../../src/routing/route-of.ts';
import { scaled, tell } from '../fixtures/scale.ts';

/** What a request takes that is refused for want of a token, in units of work: about 0.2 ms. */
const PLAIN_REQUEST = 2_000;
/** One segment is followed to its end, in one place of the graph. */
const OVERSHOOT = 0.05;

const SITES: Readonly<Record<string, (i: number) => string>> = {
  'one pattern': () => '/:tenant/x/:id',
  texts: (i) => `/api/r${i}/:id`,
  wildcards: (i) => `/${'ab'[i % 2]}/*/r${i}`,
  'all kinds': (i) => `${['/a', '/:a/b', '/a/*', '/:x/:y/z', '/a/:q(\\d+)/c'][i % 5]}/r${i >> 3}`,
  expressions: (i) => `/:a(\\d{${i + 1}})/:b/c${i}`,
  'parts of segments': (i) => `/a*b${i}/c`,
};
const COUNTS = [1, 20, 100];

const nothing = { end() {}, alias() {}, handedOn() {} };

/** Work of one pass over a path; more than the budget where it is refused. */
const workOf = (graph: Graph, path: string): number => {
  const form = foldedForm(path);
  const before = graph.work;
  const left = read(graph, form, nothing, budgetOf(path, form));
  return left >= 0 ? MAX_WORK - left : MAX_WORK + Math.max(0, graph.work - before - MAX_WORK);
};

const PIECES = [
  ...[
    '/',
    '//',
    '%2f',
    '%5c',
    '\\',
    'a',
    'b',
    'x',
    'r1',
    'c',
    '1',
    '11',
    'ab1',
    '.',
    '..',
    '%2e',
    '%2e%2e',
    'A',
  ],
  ...[
    ';',
    'a;b',
    ';%2f',
    '/..;/',
    '..%2f;/',
    '%00',
    '%3f',
    '#',
    'a.json',
    'a.b.c',
    '.php/',
    'index.php/',
    'a.cgi',
  ],
  ...['%c0%af', '%ef%bc%8f', '%25', '%2541', '%u0061', '%ff', '%20', 'é', '/a;b%2f;c//..%2f%00/'],
];

const SEEDS = [
  '/a;b%2f;c//..%2f%00/',
  `/render/${encodeURIComponent('https://example.com/a/b/c?x=1&y=/z/'.repeat(50)).slice(0, 1_600)}`,
  `/${'%2f;a'.repeat(1_000)}`,
  `/${'index.php/'.repeat(500)}`,
  `/${'a%20'.repeat(2_000)}`,
];

const MAX_CHARS = 8_000;

/** A path that is a little different: pieces put in, doubled, left out, or some pieces over and over. */
const changed = (pieces: readonly string[], random: Random): string[] => {
  const drawn = Array.from({ length: 1 + random.below(5) }, () => PIECES[random.below(PIECES.length)] ?? '');
  const at = random.below(pieces.length + 1);
  const upTo = at + random.below(pieces.length - at + 1);
  const kind = random.below(4);
  if (kind === 0) return pieces.toSpliced(at, 0, ...drawn);
  if (kind === 1) return pieces.toSpliced(at, 0, ...pieces.slice(at, upTo));
  if (kind === 2) return pieces.toSpliced(at, Math.min(3, upTo - at));
  const times = 1 + random.below(MAX_CHARS / drawn.join('').length);
  return ['/', ...Array.from({ length: times }, () => drawn).flat()];
};

/** The dearest path that climbing finds from each of the seeds. */
const dearest = (graph: Graph, random: Random, tries: number): { work: number; path: string } => {
  let best = { work: 0, path: '/', pieces: ['/'] };
  const consider = (pieces: string[]): void => {
    const path = pieces.join('').slice(0, MAX_CHARS);
    if (!path.startsWith('/')) return;
    const work = workOf(graph, path);
    if (work > best.work) best = { work, path, pieces };
  };
  for (const seed of SEEDS) consider([seed]);
  for (let i = 0; i < tries; i++) consider(changed(best.work < MAX_WORK ? best.pieces : ['/'], random));
  return best;
};

describe('the work of finding a route', () => {
  const found: string[] = [];
  afterAll(() => tell(`work of the dearest path, of ${MAX_WORK} allowed: ${found.join('; ')}`));

  it('is at most that of two plain requests, whatever the path, so that the whole takes three at most', () => {
    expect(MAX_WORK).toBeLessThanOrEqual(2 * PLAIN_REQUEST);
    for (const [site, patternOf] of Object.entries(SITES))
      for (const count of COUNTS) {
        const graph = new Graph(
          Array.from({ length: count }, (_, i) => patternOf(i)),
          foldedForm,
        );
        const { work, path } = dearest(graph, seeded(count), scaled(60, 5_000));
        found.push(`${site} × ${count} ${Math.round(work)}`);
        expect(work, `${site} × ${count}: ${path.slice(0, 200)}`).toBeLessThanOrEqual(
          MAX_WORK * (1 + OVERSHOOT),
        );
      }
  });

  it('does not grow with the number of routes', () => {
    for (const path of ['/acme/x/5', SEEDS[0] ?? '', SEEDS[1] ?? '']) {
      const [one, many] = [1, 100].map((count) => {
        const graph = new Graph(
          Array.from({ length: count }, () => '/:tenant/x/:id'),
          foldedForm,
        );
        workOf(graph, path);
        return workOf(graph, path);
      });
      expect(many, path).toBe(one);
    }
  });

  it.each(COUNTS)(
    'of a URL of 1,600 characters in a path is done beside %i routes that it has nothing to do with',
    (count) => {
      const inner = 'https://Example.com/A/b/c?x=1&y=/Z/';
      const paths = [inner, 'https://api.example/a/b;v=1/c.d/?e=/f&g=#h', 'https://h/p?q=a%20b&r=ä'].map(
        (url) => `/render/${encodeURIComponent(url.repeat(50)).slice(0, 1_600)}`,
      );
      for (const patternOf of ['one pattern', 'texts', 'wildcards'].map((site) => SITES[site] ?? String)) {
        const routes = Array.from({ length: count }, (_, i) => ({
          name: `r${i}`,
          match: patternOf(i),
          scopes: ['strict'],
        }));
        const find = routeOf(parseConfig({ JWT_ISSUER: 'https://issuer.example', ROUTES: routes }));
        for (const path of paths) {
          const route = find({ method: 'GET', url: `https://api.example${path}` });
          expect(route?.scopes, path).toEqual([]);
        }
      }
    },
  );
});
