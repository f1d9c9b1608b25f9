// All patterns in one graph over the segments of a path, so that their number hardly matters.
//
// A path is followed through many nodes at once, as through a nondeterministic automaton; a `State` is the set of nodes
// it has reached. Each is made once and knows where every segment leads from it.
import type { Form } from './forms.ts';
import { matchSegment, patternsOf, type SegmentPattern } from './pattern.ts';

/** A pattern that ends at a node. */
export interface Entry {
  /** Its place among the patterns. */
  readonly index: number;
  /** Its last segment is plain text, so that whoever wrote it meant that very name. */
  readonly named: boolean;
  /** All of it is plain text. */
  readonly literal: boolean;
  readonly spelling: string;
  /** Later ones that are the same in this form, but were written otherwise. */
  readonly twins: Entry[];
}

interface Edge {
  readonly pattern: SegmentPattern;
  /** How the edge is told from others of its node. */
  readonly key: string;
  readonly to: Node;
}

class Node {
  readonly id: number;
  readonly texts = new Map<string, Node>();
  readonly edges: Edge[] = [];
  readonly entries: Entry[] = [];

  constructor(id: number) {
    this.id = id;
  }
}

/** Where a path is on its way through the routes. */
export interface State {
  readonly nodes: readonly Node[];
  /** How many there are to try of a segment that is not known. */
  readonly edges: number;
  /** Of the patterns that match if the path ends here, in their order. */
  readonly entries: readonly Entry[];
  /** Segments that some pattern names here. */
  readonly names: ReadonlySet<string>;
  /** Where segments lead that were asked for before: those that are named, the empty one, and any other. */
  readonly known: Map<string, State>;
  /** Likewise for a segment of which no more is known than that no pattern names it. */
  unknown: readonly State[] | undefined;
  /** Whether a segment that no pattern names leads to one place, whatever it is. */
  readonly uniform: boolean;
  /** Whether there is only one of it; others are made anew each time. */
  readonly kept: boolean;
}

/** States kept; an ordinary configuration has some dozens. */
const MAX_STATES = 2_048;
/** No segment is spelled so; any that no pattern names leads to the same place. */
const OTHER = '/';

export class Graph {
  readonly start: State;
  /** Work done so far by all who followed paths, in units of about 100 ns: what a reader's budget is spent on. */
  work = 0;
  /** Every segment that some pattern names. */
  readonly names = new Set<string>();
  /** Whether patterns have no other segments than plain text and those that take anything. */
  isPlain = true;
  readonly #states = new Map<string, State>();
  #nodes = 0;

  /** @param matches as routes have them. */
  constructor(matches: readonly string[], form: Form) {
    const root = this.#node();
    for (const [index, match] of matches.entries()) this.#add(root, match, index, form);
    this.start = this.#state([root]);
  }

  /** Where a segment leads. */
  step(state: State, segment: string): State {
    const isNamed = segment === '' || state.names.has(segment);
    const key = isNamed || !state.uniform ? segment : OTHER;
    const known = state.known.get(key);
    this.work += 1;
    if (known !== undefined) return known;
    this.work += 6 + state.edges * (1 + (segment.length >> 9));
    const next = this.#state(state.nodes.flatMap((node) => [...follow(node, segment)]));
    if (next.kept && (isNamed || state.uniform)) state.known.set(key, next);
    return next;
  }

  /** Where a segment may lead of which no more is known than that no pattern names it. */
  stepUnknown(state: State): readonly State[] {
    this.work += 1;
    if (state.unknown !== undefined) return state.unknown;
    this.work += 4 + state.edges / 2;
    const edges = state.nodes.flatMap((node) => node.edges);
    const all = this.#state(edges.map(({ to }) => to));
    const sure = this.#state(edges.filter(({ pattern }) => takesAny(pattern)).map(({ to }) => to));
    const next = all === sure ? [all] : [all, sure];
    if (next.every(({ kept }) => kept)) state.unknown = next;
    return next;
  }

  #add(root: Node, match: string, index: number, form: Form): void {
    // Without the names of parameters, which make no difference to what matches.
    const spelling = match.replace(/:\w+/g, ':');
    for (const segments of patternsOf(match, form)) {
      const end = segments.reduce((node, segment) => this.#extend(node, segment), root);
      const entry = {
        index,
        named: segments.at(-1)?.gaps.length === 0,
        literal: segments.every(({ gaps }) => gaps.length === 0),
        spelling,
        twins: [],
      };
      for (const earlier of end.entries) if (earlier.spelling !== spelling) earlier.twins.push(entry);
      end.entries.push(entry);
    }
  }

  #extend(node: Node, pattern: SegmentPattern): Node {
    const { texts, gaps } = pattern;
    if (gaps.length > 0 && !takesAny(pattern)) this.isPlain = false;
    if (gaps.length === 0) return this.#text(node, texts[0] ?? '');
    const to = this.#edge(node, pattern);
    const star = gaps.findIndex(({ name }) => name === undefined);
    if (star < 0) return to;
    // `a*b` also begins in one segment and ends in another, with any number between.
    const inside = this.#edge(
      node,
      { texts: [...texts.slice(0, star + 1), ''], gaps: gaps.slice(0, star + 1) },
      '…',
    );
    this.#edge(inside, ANY, '…', inside);
    this.#edge(inside, { texts: ['', ...texts.slice(star + 1)], gaps: gaps.slice(star) }, '', to);
    return to;
  }

  #text(node: Node, text: string): Node {
    this.names.add(text);
    const to = node.texts.get(text) ?? this.#node();
    node.texts.set(text, to);
    return to;
  }

  /** @param kind tells edges of one pattern apart. */
  #edge(node: Node, pattern: SegmentPattern, kind = '', to?: Node): Node {
    const gaps = pattern.gaps.map(({ name, only = '' }) => (name === undefined ? '*' : `:${only}`));
    const key = `${kind}${pattern.texts.map((text, i) => text + (gaps[i] ?? '')).join('')}`;
    const known = node.edges.find((edge) => edge.key === key);
    if (known !== undefined) return known.to;
    const made = to ?? this.#node();
    node.edges.push({ pattern, key, to: made });
    return made;
  }

  #node(): Node {
    return new Node(this.#nodes++);
  }

  #state(found: readonly Node[]): State {
    const nodes = [...new Set(found)].sort((a, b) => a.id - b.id);
    const key = nodes.map(({ id }) => id).join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const kept = this.#states.size < MAX_STATES;
    const state = stateOf(nodes, kept);
    if (kept) this.#states.set(key, state);
    return state;
  }
}

const ANY: SegmentPattern = { texts: ['', ''], gaps: [{ name: undefined }] };

const stateOf = (nodes: readonly Node[], kept: boolean): State => ({
  kept,
  nodes,
  edges: nodes.reduce((sum, { edges }) => sum + edges.length, nodes.length),
  entries: nodes.flatMap(({ entries }) => entries).sort((a, b) => a.index - b.index),
  names: new Set(nodes.flatMap(({ texts }) => [...texts.keys()])),
  known: new Map(),
  unknown: undefined,
  uniform: nodes.every(({ edges }) => edges.every(({ pattern }) => takesAny(pattern))),
});

/** Of every segment that is not empty. */
const takesAny = ({ texts, gaps }: SegmentPattern): boolean =>
  gaps.length === 1 && gaps[0]?.only === undefined && texts.every((text) => text === '');

function* follow({ texts, edges }: Node, segment: string): Iterable<Node> {
  const named = texts.get(segment);
  if (named !== undefined) yield named;
  for (const { pattern, to } of edges) if (matchSegment(pattern, segment) !== undefined) yield to;
}
