// What finding a route may cost: no path makes it dearer than two plain requests, and no ordinary one is refused for it.
import { afterAll, describe, expect, it } from 'vitest';
import { seeded } from '../../bench/simulation/random.ts';
import { parseConfig } from '../../src/config/config.ts';
import { foldedForm } from '../../src/routing/forms.ts';
import { Graph } from '../../src/routing/graph.ts';
import { budgetOf, MAX_WORK, read } from '../../src/routing/readings.ts';
import { routeOf } from '../../src/routing/route-of.ts';
import { COUNTS, dearest, SEEDS, SITES } from '../fixtures/dear-paths.ts';
import { scaled, tell } from '../fixtures/scale.ts';

/** What a request takes that is refused for want of a token, in units of work: about 0.2 ms. */
const PLAIN_REQUEST = 2_000;
/** One segment is followed to its end, in one place of the graph. */
const OVERSHOOT = 0.05;

const nothing = { end() {}, alias() {}, handedOn() {} };

/** Work of one pass over a path; more than the budget where it is refused. */
const workOf = (graph: Graph, path: string): number => {
  const form = foldedForm(path);
  const before = graph.work;
  const left = read(graph, form, nothing, budgetOf(path, form));
  return left >= 0 ? MAX_WORK - left : MAX_WORK + Math.max(0, graph.work - before - MAX_WORK);
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
        const { cost: work, path } = dearest((path) => workOf(graph, path), seeded(count), scaled(60, 5_000));
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
