// A `match` in another framework's syntax, which means something else to a URLPattern.

interface Syntax {
  /** What is found in a pattern. */
  readonly found: RegExp;
  /** What to write for it. */
  readonly instead: string | ((...groups: string[]) => string);
  /** Whose syntax it is, and what a URLPattern makes of it. */
  readonly why: string;
}

/** A name for a parameter, of whatever a framework allows there. */
const named = (name: string): string => `:${name.replace(/\W+/g, '_')}`;

/** In order: where several fit a place, the first is meant. */
const SYNTAXES: readonly Syntax[] = [
  {
    found: /\{\*\*?(\w*)\}|\{(\w+):path\}|<path:(\w+)>|\{(\w+)\.\.\.\}|\[\.\.\.(\w+)\]|\{(\w+)=\*\*\}/g,
    instead: '*',
    why: 'is not a URLPattern’s syntax for any number of segments',
  },
  {
    found: /<(?:\w+:)?(\w[\w-]*)>/g,
    instead: (_all, name = '') => named(name),
    why: 'is Flask’s syntax; to a URLPattern it is literal text',
  },
  {
    found: /\{(\w[\w-]*)(?::[^{}]*)?\}(?![?*+])/g,
    instead: (_all, name = '') => named(name),
    why: 'is the syntax of OpenAPI, FastAPI and Spring; to a URLPattern it is literal text',
  },
  {
    found: /\[(\w[\w-]*)\]/g,
    instead: (_all, name = '') => named(name),
    why: 'is Next.js’s syntax; to a URLPattern it is literal text',
  },
  {
    found: /(?<=\/)\$(\w+)/g,
    instead: (_all, name = '') => named(name),
    why: 'is Remix’s syntax; to a URLPattern it is literal text',
  },
  {
    found: /(?<=[^/]):(\w+)\?(?=\/|$)/g,
    instead: (_all, name = '') => `{${named(name)}}?`,
    why: 'makes only the parameter optional where no `/` stands before it',
  },
  {
    found: /(?<=\/:\w+)\?(?=\/)/g,
    instead: '',
    why: 'makes a segment in the middle optional, so that other paths match too',
  },
];

export interface Foreign {
  readonly why: string;
  /** The pattern as a URLPattern. */
  readonly instead: string;
}

/** Undefined where the pattern says what it seems to say. */
export const foreignSyntax = (pattern: string): Foreign | undefined => {
  const [first] = SYNTAXES.filter(({ found }) => pattern.search(found) >= 0);
  if (first === undefined) return undefined;
  const instead = SYNTAXES.reduce(
    (text, syntax) =>
      typeof syntax.instead === 'string'
        ? text.replace(syntax.found, syntax.instead)
        : text.replace(syntax.found, syntax.instead),
    pattern,
  );
  return { why: `\`${pattern.match(first.found)?.[0]}\` ${first.why}`, instead };
};
