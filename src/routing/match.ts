// Which routes a request meets: the first match of every reading of its path.
import type { Config, Route } from '../config/types.ts';
import { decodedForm, exactForm, type Form, folded, foldedForm } from './forms.ts';
import { type Entry, Graph, type State } from './graph.ts';
import { budgetOf, hasName, read, type Visitor } from './readings.ts';

/** One way to read a path, and the routes that it leads to. */
export interface Reading {
  readonly path: string;
  readonly routes: readonly Route[];
}

/** A method and path to be matched. */
export interface Target {
  /** Every one that the origin may take it to have; HEAD counts as GET. */
  readonly methods: readonly string[];
  /** As sent. */
  readonly path: string;
}

/**
 * Finds the readings of a target that lead to different routes; the request must meet the demands of all of them.
 * Undefined where there are more readings than are followed. The first reading is the path as sent.
 */
export const readingsIn = ({ routes, defaultRoute }: Pick<Config, 'routes' | 'defaultRoute'>) => {
  const patterns = routes.map(({ match = '*' }) => match);
  const graphOf = (form: Form) => new Graph(patterns, form);
  const exact = graphOf(exactForm);
  const cased = graphOf(decodedForm);
  const caseless = graphOf(foldedForm);
  const hasCapitals = patterns.some((pattern) => decodedForm(pattern) !== foldedForm(pattern));
  /** Whether some segment is named without regard to case, and not as it is: else both forms lead to the same places. */
  const dependsOnCase = (decoded: string, lower: string): boolean =>
    (lower !== decoded || hasCapitals) &&
    (!caseless.isPlain ||
      caseless.names.size < cased.names.size ||
      hasName(decoded, (name) => !cased.names.has(name) && caseless.names.has(folded(name))));

  const named = new Set(routes.flatMap(({ methods }) => [...(methods ?? [])]));
  /** Those that make a difference: of methods that no route names, one stands for all. */
  const distinct = (methods: readonly string[]): readonly string[] => {
    if (methods.length === 1) return methods;
    const other = methods.find((method) => !named.has(method));
    return [...new Set(methods.filter((method) => named.has(method) || method === other))];
  };

  return ({ methods, path }: Target): readonly Reading[] | undefined => {
    const found = new Found(routes, defaultRoute, distinct(methods));
    const decoded = decodedForm(path);
    const walked = walk(exact, exactForm(path), budgetOf(path, decoded));
    if (walked === undefined) return undefined;
    const sent = found.addSent(path, walked.state);
    const lower = folded(decoded);
    const follow = (graph: Graph, form: string, budget: number): number =>
      read(graph, form, visitor(graph, found, sent), budget);
    const left = follow(caseless, lower, walked.left);
    const rest = left >= 0 && dependsOnCase(decoded, lower) ? follow(cased, decoded, left) : left;
    return rest >= 0 ? found.readings : undefined;
  };
};

/** Where a path leads as it stands, and what is left of the budget; undefined where that did not do. */
const walk = (graph: Graph, path: string, budget: number): { state: State; left: number } | undefined => {
  const most = graph.work + budget;
  let state = graph.start;
  for (const segment of path.slice(1).split('/')) {
    if (graph.work > most) return undefined;
    if (state.nodes.length === 0) break;
    state = graph.step(state, segment);
  }
  return { state, left: most - graph.work };
};

/** @param sent what the path as it was sent is: where a route names that, it is no other's by an alias. */
const visitor = (graph: Graph, found: Found, sent: readonly Entry[]): Visitor => ({
  end(state, path) {
    if (!found.isNew(state)) return;
    const entries = found.add(path, state);
    // `/items/*` also tightens `/items`, which many origins serve alike.
    if (entries.length === 0) found.addAny(`${path}/`, graph.step(state, ''));
  },
  alias(state, path, onlyNamed) {
    if (!sent.some(({ named }) => named)) found.addAny(path, state, onlyNamed);
  },
  handedOn(state, path) {
    if (!sent.some(({ literal }) => literal)) found.addAny(path, state);
  },
});

/** What has been found of a target. */
class Found {
  readonly readings: Reading[] = [];
  /** Routes that some reading leads to. */
  readonly #met = new Set<Route>();
  readonly #routes: readonly Route[];
  readonly #default: Route;
  readonly #methods: readonly string[];
  #sent: readonly Entry[] = [];
  /** Where readings have ended: another that ends there leads to nothing new. */
  readonly #ended = new Set<State>();
  /** Likewise for aliases, and for those that only a route's own name makes one. */
  readonly #aliased = new Set<State>();
  readonly #named = new Set<State>();

  constructor(routes: readonly Route[], defaultRoute: Route, methods: readonly string[]) {
    this.#routes = routes;
    this.#default = defaultRoute;
    this.#methods = methods;
  }

  /** Those of the path as sent: of routes that differ only in spelling, no other is meant. */
  addSent(path: string, state: State): readonly Entry[] {
    this.#sent = this.add(path, state);
    return this.#sent;
  }

  /** Whether no reading has ended here yet. */
  isNew(state: State): boolean {
    return !this.#ended.has(state);
  }

  /** The routes of a reading that ends here, or the default one. */
  add(path: string, state: State): readonly Entry[] {
    this.#ended.add(state);
    const { entries } = state;
    const found = this.#methods.map((method) => this.#firstOf(entries, method));
    const isUnmatched = found.some((first) => first.length === 0);
    this.#keep(path, found.flat(), isUnmatched ? [this.#default] : []);
    return found.flat();
  }

  /** The routes of a reading that ends here, if there are any. */
  addAny(path: string, state: State, onlyNamed = false): void {
    const known = onlyNamed ? this.#named : this.#aliased;
    if (known.has(state)) return;
    known.add(state);
    const { entries } = state;
    const found = this.#methods.flatMap((method) => this.#firstOf(entries, method));
    this.#keep(path, onlyNamed ? found.filter(({ named }) => named) : found);
  }

  /** The first that takes the method, and those that differ from it in nothing but their spelling. */
  #firstOf(entries: readonly Entry[], method: string): readonly Entry[] {
    const takes = ({ index }: Entry): boolean => this.#routes[index]?.methods?.has(method) !== false;
    const first = entries.find(takes);
    if (first === undefined) return [];
    const isSent = this.#sent.some(({ index }) => index === first.index);
    return isSent ? [first] : [first, ...first.twins.filter(takes)];
  }

  /** Unless it leads to nothing new. */
  #keep(path: string, entries: readonly Entry[], others: readonly Route[] = []): void {
    const routes = [...entries.flatMap(({ index }) => this.#routes[index] ?? []), ...others];
    if (routes.every((route) => this.#met.has(route))) return;
    for (const route of routes) this.#met.add(route);
    this.readings.push({ path, routes: [...new Set(routes)] });
  }
}
