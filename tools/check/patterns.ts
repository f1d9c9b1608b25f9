// A `match` in another framework's syntax, which means something else here, and what to write instead.
import { patternIssue } from '../../src/routing/pattern.ts';

interface Syntax {
  /** What is found in a pattern. */
  readonly found: RegExp;
  /** What to write for it. */
  readonly instead: string | ((...groups: string[]) => string);
  /** Whose syntax it is, and what comes of it. */
  readonly why: string;
}

/** A name for a parameter, of whatever a framework allows there. */
const named = (name: string): string => `:${name.replace(/^\d|\W+/g, '_')}`;

/** A parameter with its expression, where that may stand in one. */
const expressed = (name: string, expression: string): string =>
  /[(){}/]/.test(expression) ? named(name) : `${named(name)}(${expression})`;

const SEVERAL = 'stands for any number of segments elsewhere; here `*` does';
const EXPRESSION = 'is a regular expression, which stands here only in `:name(…)`';

/** Of a regular expression: a class, and how often. */
const CLASS = String.raw`(?:\[\^?[^\]/]+(?:\](?=[+*{)])|/\](?=[+*]))|\\[dws])(?:[+*]|\{\d+(?:,\d*)?\})?`;

/** What stands for digits where a parameter has a type. */
const DIGITS = /^(?:i|int|integer|long|number|num|numeric|digits?)$/;

const TYPE =
  '(?:int|integer|long|number|num|numeric|digits?|uuid|guid|str|string|slug|alpha|word|float|bool|any)';

/** A parameter of a type. */
const typed = (name: string, type = ''): string => (DIGITS.test(type) ? `${named(name)}(\\d+)` : named(name));

/** Parameters with an expression, which is kept. */
const EXPRESSED: readonly Syntax[] = [
  { found: /:\w+\((?:\.[*+]\)[*+?]|\*\))/g, instead: '*', why: SEVERAL },
  { found: /(?::\w+)?(?<!\{\w*|\[)(?:\.{3}|…)$/g, instead: '*', why: SEVERAL },
  {
    found: new RegExp(`:(\\w+)\\((${TYPE})\\)`, 'g'),
    instead: (_all, name = '', type = '') => typed(name, type),
    why: 'is a type elsewhere, and here that very word',
  },
  {
    found: /:(\w+)<([^<>]*)>/g,
    instead: (_all, name = '', type = '') => (/^\w*$/.test(type) ? typed(name, type) : expressed(name, type)),
    why: 'is the syntax of Fiber and Rocket; an expression stands in `(…)` here',
  },
  {
    found: /\(:(num|any|\w+)\)/g,
    instead: (_all, name = '') => (name === 'num' || name === 'any' ? typed('id', name) : named(name)),
    why: 'is the syntax of CodeIgniter and Laravel; a parameter is `:name`',
  },
  { found: /\(\.:\w+\)/g, instead: '', why: 'is Rails’s format, and here a regular expression' },
  {
    found: /:(\w+)\((?:\^([^()/]*?)\$?|([^()/]*?)\$)\)/g,
    instead: (_all, name = '', begun = '', ended = '') => expressed(name, begun || ended),
    why: 'needs no anchors: an expression is of the whole parameter',
  },
  {
    found: /:(\w+)\{((?:[^{}]|\{[^{}]*\})+)\}/g,
    instead: (_all, name = '', expression = '') => expressed(name, expression),
    why: 'is Hono’s; an expression stands in `(…)` here',
  },
  { found: /\[\*{1,2}:\w+\]/g, instead: '*', why: SEVERAL },
  {
    found: new RegExp(`\\{(${TYPE}):(\\w+)\\}`, 'g'),
    instead: (_all, type = '', name = '') => typed(name, type),
    why: 'is a parameter with its type',
  },
  {
    found: /\[(\w{0,2}):(\w+)\]/g,
    instead: (_all, type = '', name = '') => typed(name, type),
    why: 'is the syntax of AltoRouter; here it is literal text',
  },
  {
    found: /%([sd])(?![\da-f])/g,
    instead: (_all, letter) => typed('id', letter === 'd' ? 'int' : ''),
    why: 'is a format’s, for a value',
  },
  {
    found: /(?<=\/[\w.-]*)\[(\d[\d-]*)\](?![+*{?)])/g,
    instead: (_all, digits = '') => `:any([${digits}])`,
    why: EXPRESSION,
  },
];

/** A bar that stands in no expression. */
const ALTERNATIVES = /\|(?![^(]*\))/g;

/** In order: where several fit a place, the first is meant. */
const SYNTAXES: readonly Syntax[] = [
  { found: /\(\/\|\$\)(?:\(\.\*\))?/g, instead: '/*', why: EXPRESSION },
  { found: /\/\?\(\.[*+]\)/g, instead: '/*', why: EXPRESSION },
  { found: /\{[?&][\w,]+\}/g, instead: '', why: 'is a query, which no path has' },
  {
    found: /\{\{\s*(\w+)\s*\}\}|\$\{(\w+)\}|\{\s+(\w+)\s*\}|\{(\w+)\s+\}/g,
    instead: (_all, ...names) => named(names.find((name) => name !== undefined) ?? 'id'),
    why: 'is a template’s; nothing replaces it',
  },
  {
    found: /<:(\w+)>|\{:(\w+)\}(?![?*+])/g,
    instead: (_all, angle, brace) => named(angle ?? brace ?? 'id'),
    why: 'is a parameter in brackets, which it needs none of',
  },
  { found: /^(?:~\*?|\^~|=|@)\s*(?=[/^])/g, instead: '', why: 'is nginx’s or Kong’s, before a path' },
  {
    found: /\(\?P?<(\w+)>(?:[^()]|\([^()]*\))*\)/g,
    instead: (_all, name = '') => named(name),
    why: 'is a named group of a regular expression; a parameter is `:name`',
  },
  {
    found: /\((\/[^()]*)\)(?![?*+])/g,
    instead: (_all, part = '') => `{${part}}?`,
    why: 'is Rails’s for what may be left out',
  },
  { found: /\{\$\}$/g, instead: '', why: 'is Go’s; a path without `*` ends where it ends here' },
  { found: /\{\/\*\w*\}/g, instead: '/*', why: SEVERAL },
  { found: /(?<=\/)\*\w+/g, instead: '*', why: SEVERAL },
  {
    found:
      /\{\*\*?(\w*)\}|\{\w+:path\}|<path:\w+>|<\w+\.\.>|\{\w+\.\.\.\}|\[?\[\.\.\.\w+\]\]?|\{\w+=\*\*\}|\{\w+:\.[*+]\}|\{\w+[+*]\}/g,
    instead: '*',
    why: SEVERAL,
  },
  { found: /\*\*(?:\/\*+)?/g, instead: '*', why: SEVERAL },
  { found: /(?<=^\/(?:.*\/)?)\$$/g, instead: '*', why: SEVERAL },
  { found: /(?<=\/)(?:\(\.[*+]\)|\.[*+])(?=$|\/|\$)/g, instead: '*', why: EXPRESSION },
  {
    found: /(?<=\/)\$(\w+)<[^<>]*>/g,
    instead: (_all, name = '') => named(name),
    why: 'is Play’s syntax',
  },
  {
    found: /<(?:\w+(?:\([^()]*\))?:)?(\w[\w-]*)>/g,
    instead: (_all, name = '') => named(name),
    why: 'is Flask’s syntax; here it is literal text',
  },
  {
    found: /\/(?:\{(\w[\w-]*)\?[^{}]*\}|\[\[(\w[\w-]*)(?:=\w+)?\]\])(?=$)/g,
    instead: (_all, brace = '', bracket = '') => `/${named(brace || bracket)}?`,
    why: 'is a parameter that may be left out elsewhere',
  },
  {
    found: /\/(?:\{(\w[\w-]*)\?[^{}]*\}|\[\[(\w[\w-]*)(?:=\w+)?\]\])/g,
    instead: (_all, brace = '', bracket = '') => `{/${named(brace || bracket)}}?`,
    why: 'is a parameter that may be left out elsewhere',
  },
  {
    found: /\{([A-Za-z_][\w-]*)(?:[:=<](?:[^{}]|\{[^{}]*\})*)?\}(?![?*+])/g,
    instead: (_all, name = '') => named(name),
    why: 'is the syntax of OpenAPI, FastAPI and Spring; here it is literal text',
  },
  {
    found: /\{([A-Za-z][\w.-]*(?:,\w[\w.-]*)+)\}/g,
    instead: (_all, list = '') => `:any(${list.replaceAll(',', '|')})`,
    why: 'is a glob’s choice',
  },
  {
    found: /\{(\/[^{}]*)\}(?![?*+])/g,
    instead: (_all, part = '') => `{${part}}?`,
    why: 'is Express’s for what may be left out; here a `?` follows',
  },
  { found: new RegExp(String.raw`\((?:\?:)?${CLASS}\)|${CLASS}`, 'g'), instead: ':id', why: EXPRESSION },
  {
    found: /(?<!:\w+)\((?:\?:)?([\w.-]+(?:\|[\w.-]+)+)\)/g,
    instead: (_all, choices = '') => `:any(${choices})`,
    why: EXPRESSION,
  },
  {
    found: /\[(\w[\w-]*)(?:=\w+)?\]/g,
    instead: (_all, name = '') => named(name),
    why: 'is the syntax of Next.js and SvelteKit; here it is literal text',
  },
  {
    found:
      /(?<=\/)\$(?!(?:metadata|batch|count|value|ref|entity|links|validate|everything|expand)(?:\/|$))(\w+)/g,
    instead: (_all, name = '') => named(name),
    why: 'is Remix’s syntax; here it is literal text',
  },
  {
    found: /(?<=\/):(\w+)-(ids?|name|slug|key|no|number|num|uuid|code|type)(?=\/|$)/g,
    instead: (_all, name = '', rest = '') => `:${name}_${rest}`,
    why: 'ends at its hyphen, since a name has none',
  },
  {
    found: /(?<=[^/{]):(\w+)\?(?=\/|$)/g,
    instead: (_all, name = '') => `{${named(name)}}?`,
    why: 'makes only the parameter optional where no `/` stands before it',
  },
  {
    found: /(?<=\/:\w+)\?(?=\/)/g,
    instead: '',
    why: 'makes a segment in the middle optional, so that other paths match too',
  },
  {
    found: ALTERNATIVES,
    instead: (all) => all,
    why: 'stands for itself; write each path as a route of its own',
  },
  { found: /^\^|(?<=.)\$$/g, instead: '', why: 'is an anchor, which a path has none of' },
];

export interface Foreign {
  readonly why: string;
  /** The pattern as Weir reads it; undefined where it cannot be told. */
  readonly instead: string | undefined;
}

/** Undefined where the pattern says what it seems to say. */
export const foreignSyntax = (pattern: string): Foreign | undefined => {
  const { text, expressions } = masked(EXPRESSED.reduce(rewrite, pattern));
  const syntax =
    EXPRESSED.find(({ found }) => pattern.search(found) >= 0) ??
    SYNTAXES.find(({ found }) => text.search(found) >= 0);
  if (syntax === undefined) return undefined;
  const bare = SYNTAXES.reduce(rewrite, text);
  const below = /^[~^]/.test(text) && !text.endsWith('$') && bare.endsWith('/') ? '*' : '';
  const rooted = (/^\{?\//.test(bare) ? bare : `/${bare}`) + below;
  const instead = numbered(rooted.replace(MASK, (_all, i) => expressions[Number(i)] ?? '')).replace(
    /\/{2,}/g,
    '/',
  );
  return {
    why: `\`${(pattern.match(syntax.found) ?? text.match(syntax.found))?.[0]}\` ${syntax.why}`,
    instead: patternIssue(instead) === undefined && !instead.includes('|/') ? instead : undefined,
  };
};

const rewrite = (text: string, { found, instead }: Syntax): string =>
  typeof instead === 'string' ? text.replace(found, instead) : text.replace(found, instead);

/** Stands for a `:name(…)`, so that its expression is not taken for another syntax. */
const MASK = /:__(\d+)__/g;

const masked = (pattern: string): { readonly text: string; readonly expressions: readonly string[] } => {
  const expressions: string[] = [];
  const text = pattern.replace(/:[A-Za-z_]\w*\([^()/]*\)/g, (expression) => {
    expressions.push(expression);
    return `:__${expressions.length - 1}__`;
  });
  return { text, expressions };
};

/** Each parameter with a name of its own: the second `:id` is `:id_2`. */
const numbered = (pattern: string): string => {
  const seen = new Map<string, number>();
  return pattern.replace(/(?<=\/[^/]*|\{)(:[A-Za-z_]\w*)/g, (name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
};

/** What to write for a pattern; where it cannot be told what was meant, how patterns are written. */
export const patternFix = (instead: string | undefined): string =>
  instead === undefined || patternIssue(instead) !== undefined
    ? 'Write `:name` for a segment, `:name(\\d+)` for one of digits, `*` for anything below: `match = "/users/:id/*"`.'
    : `Write \`match = "${instead}"\`.`;
