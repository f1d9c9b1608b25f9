// `match` of a route: a subset of URLPattern's pathnames. Text, `:name` for a segment or a part of one, `*` for anything.
import type { Issue } from '../lib/issue.ts';
import { exactForm, type Form } from './forms.ts';
import { unmarked } from './marks.ts';

/** What stands between two texts of a segment. */
interface Gap {
  /** Of a `:name`, which stands for one character or more; undefined: `*`, which may be nothing. */
  readonly name: string | undefined;
  /** What it must be, of a `:name(…)`. */
  readonly only?: RegExp;
}

/** Texts and gaps in turn, so one more text than gaps. Without gaps it is plain text. */
export interface SegmentPattern {
  readonly texts: readonly string[];
  readonly gaps: readonly Gap[];
}

/** A pattern by its segments. */
export type Pattern = readonly SegmentPattern[];

const EXPECTED = 'a URLPattern pathname such as `/api/search/*`, without escapes, `;`, `//` and dot segments';
const GROUPS = 'text, `:name`, `:name(<regular expression>)`, `*` and what is optional by `?`';

/** Patterns that one `match` may stand for: four optional parts. */
const MAX_EXPANDED = 16;

/** What is wrong with a `match`, with what to write instead; undefined where `patternsOf` reads it. */
export const patternIssue = (match: string): Issue | undefined => {
  const written = match.replace(/\{([A-Za-z_]\w*)\}(?![?*+])|<(?:\w+:)?(\w+)>/g, (_, a, b) => `:${a ?? b}`);
  if (written !== match) return { expected: `\`:name\` for a parameter, so \`${written}\``, got: match };
  const expanded = expand(match);
  const bare = expanded.map((pattern) => pattern.replace(GAP, (gap) => gap.replace(/\(.*/, '')));
  if (expanded.length > MAX_EXPANDED || bare.some((pattern) => /[(){}]|(:\w+|\*)[?+*]/.test(pattern)))
    return { expected: GROUPS, got: match };
  return bare.every((pattern) => isPath(pattern) && hasGapsApart(pattern)) && hasExpressions(expanded)
    ? undefined
    : { expected: EXPECTED, got: match };
};

/** The patterns without optional parts that a `match` stands for: `/items/:id?` for `/items` and `/items/:id`. */
const expand = (match: string): readonly string[] => {
  const [optional, group, part = group] = OPTIONAL.exec(match) ?? [];
  if (optional !== undefined && part !== undefined)
    return [part, ''].flatMap((choice) => expand(match.replace(optional, () => choice) || '/'));
  const [several, modifier] = SEVERAL.exec(match) ?? [];
  if (several === undefined) return [match];
  return (modifier === '+' ? ['/*'] : ['/*', '']).flatMap((choice) =>
    expand(match.replace(several, () => choice) || '/'),
  );
};

/** `{…}?` and `:name?`. */
const OPTIONAL = /\{([^{}]*)\}\?|(\/?:[A-Za-z_]\w*(?:\([^()/]*\))?)\?/;
/** `:name*` and `:name+`: segments, however many. */
const SEVERAL = /\/:[A-Za-z_]\w*([*+])(?=\/|$)/;

/** A `:name`, a `:name(…)` or a `*`. */
const GAP = /:[A-Za-z_]\w*(?:\([^()/]*\))?|\*/g;

const isPath = (bare: string): boolean =>
  bare.startsWith('/') && !/[%;\\?#<>]|\/\/|\/\.{1,2}(\/|$)/.test(bare);

/** No two gaps side by side, no `*` in a segment with another gap, and no name twice. */
const hasGapsApart = (bare: string): boolean => {
  const names = bare.match(/:\w+/g) ?? [];
  const texts = bare.split(GAP).slice(1, -1);
  return (
    new Set(names).size === names.length &&
    !texts.includes('') &&
    !bare.split(GAP).some((text) => text.includes(':')) &&
    !/[:*][^/]*\*|\*[^/]*:/.test(bare)
  );
};

const hasExpressions = (patterns: readonly string[]): boolean => {
  try {
    for (const pattern of patterns) segmentsOf(pattern, exactForm);
    return true;
  } catch {
    return false;
  }
};

/**
 * The patterns that a `match` stands for which `patternIssue` finds nothing wrong with, by their segments, with texts in
 * this form.
 */
export const patternsOf = (match: string, form: Form): readonly Pattern[] =>
  expand(match).map((pattern) => segmentsOf(pattern, form));

/** @throws SyntaxError where a regular expression is none. */
const segmentsOf = (pattern: string, form: Form): Pattern =>
  pattern
    .slice(1)
    .split('/')
    .map((segment) => ({
      texts: segment.split(GAP).map((text) => unmarked(form(text))),
      gaps: (segment.match(GAP) ?? []).map((gap) => gapOf(gap, form)),
    }));

const gapOf = (gap: string, form: Form): Gap => {
  const [, name, expression] = /^:(\w+)(?:\((.*)\))?$/.exec(gap) ?? [];
  if (expression === undefined) return { name };
  const ignoresCase = form('A') === 'a';
  return { name, only: new RegExp(`^(?:${expression})$`, ignoresCase ? 'iu' : 'u') };
};

/** What each gap of the pattern stands for in this segment, the first as short as can be; undefined: no match. */
export const matchSegment = ({ texts, gaps }: SegmentPattern, segment: string): string[] | undefined => {
  const first = texts[0] ?? '';
  if (!segment.startsWith(first)) return undefined;
  const values: string[] = [];
  let from = first.length;
  for (const [i, gap] of gaps.entries()) {
    const text = texts[i + 1] ?? '';
    const least = from + (gap.name === undefined ? 0 : 1);
    const isLast = i === gaps.length - 1;
    const to = isLast ? segment.length - text.length : segment.indexOf(text, least);
    if (to < least || !segment.startsWith(text, to)) return undefined;
    const value = segment.slice(from, to);
    if (gap.only?.test(value) === false) return undefined;
    values.push(value);
    from = to + text.length;
  }
  return from === segment.length ? values : undefined;
};
