// Every way in which an origin may read a path, followed through the graph of routes at once.
//
// Origins differ in what they undo: escaped slashes, empty segments, dot segments, `;` parameters, what follows a NUL;
// and a proxy before them may have undone some of it already. So each of these may be read either way wherever it
// stands, whatever was chosen elsewhere. That makes very many readings, but few places in the graph that they lead to:
// readings that have come to the same place are followed as one. What that still costs is bounded by a budget.
import type { Graph, State } from './graph.ts';
import { END, SOFT_SLASH, unmarked } from './marks.ts';
import { isScript, lastIndex, SCRIPT, spellings, withoutSuffix } from './spellings.ts';

/** Work that the readings of one path may take, in units of about 100 ns: less than two plain requests do. Ordinary paths take some twenty. */
export const MAX_WORK = 3_300;
/** Characters that are as much work to look at as a unit, and to undo escapes in. */
const CHARS_PER_UNIT = 64;
const ESCAPES_PER_UNIT = 6;
/** What a part takes before any reading is followed into it, and a script that is handed the rest. */
const PART_WORK = 4;
const SCRIPT_WORK = 10;

/** Is told of every place where a reading may end. */
export interface Visitor {
  /** A reading of the path ends here. */
  end(state: State, path: string): void;
  /**
   * An origin may take the path for one that ends here: without a format suffix, or without what follows a file's name.
   * @param named whether it does so only where a route names the last segment.
   */
  alias(state: State, path: string, named: boolean): void;
  /** A script may take the rest of the path for the whole: `/login` of `/index.php/login`. */
  handedOn(state: State, path: string): void;
}

/** Where some readings have come to in the graph, each with one spelling of the way there. */
type Places = Map<State, string>;

/** What stands between slashes of either kind. */
interface Part {
  readonly text: string;
  /** Whether the slash after it came escaped, and so may be none. */
  readonly softAfter: boolean;
  /** Nothing but slashes follows. */
  readonly isLast: boolean;
  /** Where the slash after it is, or the end of the path. */
  readonly end: number;
}

/**
 * Follows every reading of a path.
 *
 * @param path in the form of the graph.
 * @param budget units of work that it may take.
 * @returns what is left of that; negative where it did not do, and then some readings were left out.
 */
export const read = (graph: Graph, path: string, visitor: Visitor, budget: number): number =>
  new Reader(graph, visitor, budget).read(path);

/** What is left of the budget for a path once it is in another form than it was sent in. */
export const budgetOf = (sent: string, decoded: string): number =>
  decoded === sent ? MAX_WORK : Math.max(MAX_WORK / 4, MAX_WORK - sent.length / ESCAPES_PER_UNIT);

function* partsOf(path: string): Iterable<Part> {
  const last = lastIndex(path, (code) => !isSlash(code));
  for (let start = 1; start <= path.length; ) {
    const end = slashFrom(path, start);
    yield {
      text: path.slice(start, end),
      softAfter: path.charCodeAt(end) === SOFT,
      isLast: end > last,
      end,
    };
    start = end + 1;
  }
}

const SLASH = 0x2f;
const SOFT = SOFT_SLASH.charCodeAt(0);

const isSlash = (code: number): boolean => code === SLASH || code === SOFT;

/** Where the next slash is, or the end. */
const slashFrom = (path: string, start: number): number => {
  let i = start;
  while (i < path.length && !isSlash(path.charCodeAt(i))) i++;
  return i;
};

class Reader {
  readonly #graph: Graph;
  readonly #visitor: Visitor;
  /** Units of work. */
  #budget: number;
  #seenWork: number;
  /** Readings that are at the beginning of a part. */
  #here: Places = new Map();
  /** Readings that take the slash before a part for a character of their segment, by where that segment began. */
  #within: Places = new Map();
  /** Readings that leave out everything from a `;` to the next unescaped slash. */
  #skipping: Places = new Map();
  /**
   * Whence a segment has led to a state, so that a `..` leads back there. Whichever reading came that way: those of a
   * path with both escapes and dots are few enough to be taken for more than they are.
   */
  readonly #before = new Map<State, Places>();
  /** Where a segment without its suffix would have led instead, by where it led. */
  readonly #unsuffixed = new Map<State, Places>();
  /** Whether the path may go back, so that any segment of it may turn out to be the last. */
  #goesBack = false;
  #isHandedOn = false;
  #endedNowhere = false;

  constructor(graph: Graph, visitor: Visitor, budget: number) {
    this.#graph = graph;
    this.#visitor = visitor;
    this.#budget = budget;
    this.#seenWork = graph.work;
  }

  read(path: string): number {
    const { start } = this.#graph;
    this.#budget -= path.length / CHARS_PER_UNIT;
    this.#here.set(start, '');
    this.#before.set(start, new Map([[start, '']]));
    this.#goesBack = BACK.some((mark) => path.includes(mark));
    for (const part of partsOf(path)) {
      this.#readPart(part);
      if (!part.isLast && isScript(part.text)) this.#readHandedOn(path, part);
      if (this.#left() < 0) return -1;
    }
    this.#end(this.#here);
    return this.#left();
  }

  /** The budget, without what following the graph has taken since. */
  #left(): number {
    const { work } = this.#graph;
    this.#budget -= work - this.#seenWork;
    this.#seenWork = work;
    return this.#budget;
  }

  #readPart(part: Part): void {
    const { text, softAfter } = part;
    this.#budget -= PART_WORK + text.length / CHARS_PER_UNIT;
    const [here, within, skipping] = [this.#here, this.#within, this.#skipping];
    this.#here = new Map();
    this.#within = new Map(softAfter ? within : []);
    this.#skipping = new Map();
    const texts = spellings(text);
    for (const [state, path] of here) {
      if (this.#left() < 0) return;
      if (state.nodes.length === 0 && !text.includes('..')) {
        this.#stayNowhere(state, path, text);
        continue;
      }
      if (text.includes('.')) this.#readAliases(state, path, part, texts);
      if (text.includes(END)) this.#endIn(state, path, text.slice(0, text.indexOf(END)));
      if (text.includes(';')) this.#endIn(state, path, text.slice(0, text.indexOf(';')));
      for (const spelling of texts) this.#readSegment(state, path, spelling, this.#here);
      if (softAfter) this.#leaveOpen(state, path, text);
    }
    for (const [state, path] of within) this.#readUnknown(state, path, part);
    for (const [state, path] of skipping) this.#add(softAfter ? this.#skipping : this.#here, state, path);
  }

  /** What an origin may take for a segment: nothing, a step back, or what stands there. */
  #readSegment(state: State, path: string, text: string, to: Places): void {
    if (text === '' || text === '.') this.#add(to, state, path);
    if (text === '..')
      for (const [before, there] of this.#before.get(state) ?? []) this.#add(to, before, there);
    this.#step(to, state, path, text);
  }

  /** No pattern has anything there: nor below it, whatever the segment is. */
  #stayNowhere(state: State, path: string, text: string): void {
    this.#add(this.#here, state, `${path}/${text}`);
    if (this.#endedNowhere || !(text.includes(END) || text.includes(';'))) return;
    this.#endedNowhere = true;
    this.#end(new Map([[state, path]]));
  }

  /** The segment may go on beyond the escaped slash, or be cut at its `;` together with what follows that. */
  #leaveOpen(state: State, path: string, text: string): void {
    this.#add(this.#within, state, path);
    const cut = text.indexOf(';');
    if (cut >= 0) this.#readSegment(state, path, unmarked(text.slice(0, cut)), this.#skipping);
  }

  /** The end of a segment that has escaped slashes in it, which no route can name. */
  #readUnknown(from: State, path: string, { text, softAfter }: Part): void {
    const ends: Places = new Map();
    for (const state of this.#graph.stepUnknown(from)) this.#enter(ends, state, `${path}/…`, from, path);
    for (const [state, ended] of ends) {
      this.#add(this.#here, state, ended);
      if (softAfter && text.includes(';')) this.#add(this.#skipping, state, ended);
    }
    if (text.includes(END) || text.includes(';')) this.#end(ends);
  }

  /** The path may end at a NUL, and at a `;`, which Fastify before version 5 takes for a `?`. */
  #endIn(state: State, path: string, text: string): void {
    const ends: Places = new Map();
    for (const spelling of spellings(text)) this.#readSegment(state, path, spelling, ends);
    this.#end(ends);
  }

  /** `/login.json` may be `/login` in another format, `/login.php/0` the file with a path of its own. */
  #readAliases(state: State, path: string, { text, isLast }: Part, texts: readonly string[]): void {
    if (isLast || this.#goesBack) for (const spelling of texts) this.#readSuffix(state, path, spelling);
    if (isLast) return;
    const files: Places = new Map();
    for (const spelling of texts) this.#step(files, state, path, spelling);
    for (const [file, spelled] of files) this.#visitor.alias(file, spelled, !SCRIPT.test(text));
  }

  #readSuffix(state: State, path: string, text: string): void {
    const whole = this.#graph.step(state, text);
    const known = this.#unsuffixed.get(whole) ?? new Map();
    for (const alias of withoutSuffix(text)) this.#step(known, state, path, alias);
    this.#unsuffixed.set(whole, known);
  }

  /** What a script before it is handed, once: a script in that would be handed the same. */
  #readHandedOn(path: string, { end }: Part): void {
    const { handedOn } = this.#visitor;
    this.#budget -= SCRIPT_WORK;
    if (this.#isHandedOn) return;
    const reader = new Reader(this.#graph, { end: handedOn, alias: handedOn, handedOn }, this.#left());
    reader.#isHandedOn = true;
    this.#budget = reader.read(path.slice(end));
    this.#seenWork = this.#graph.work;
  }

  #end(places: Places): void {
    for (const [state, path] of places) {
      this.#budget -= 1;
      const isRoot = state === this.#graph.start;
      this.#visitor.end(isRoot ? this.#graph.step(state, '') : state, path || '/');
      for (const [alias, spelled] of this.#unsuffixed.get(state) ?? [])
        this.#visitor.alias(alias, spelled, true);
    }
  }

  #step(to: Places, from: State, path: string, text: string): void {
    this.#enter(to, this.#graph.step(from, text), `${path}/${text}`, from, path);
  }

  /** By a segment after `from`, which a `..` leads back to. */
  #enter(to: Places, state: State, path: string, from: State, there: string): void {
    this.#add(to, state, path);
    const before = this.#before.get(state);
    if (before === undefined) this.#before.set(state, new Map([[from, there]]));
    else if (!before.has(from)) before.set(from, there);
  }

  #add(to: Places, state: State, path: string): void {
    this.#budget -= 1;
    if (!to.has(state)) to.set(state, path);
  }
}

/** Whether some segment has a spelling that `is` so, its suffix left out or not. */
export const hasName = (path: string, is: (name: string) => boolean): boolean => {
  for (const { text } of partsOf(path))
    for (const spelling of spellings(text)) if (is(spelling) || withoutSuffix(spelling).some(is)) return true;
  return false;
};

/** What a path has in it of which some segment may be left out: dot segments, parameters, an end. */
const BACK = ['/.', `${SOFT_SLASH}.`, ';', END];
