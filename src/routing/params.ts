// What the `:name`s of a route's own `match` stand for in a path.
import type { Route } from '../config/types.ts';
import { foldedForm } from './forms.ts';
import { END, SOFT_SLASH, unmarked } from './marks.ts';
import { matchSegment, type Pattern, patternsOf, type SegmentPattern } from './pattern.ts';
import { isScript, withoutDots, withoutSuffix } from './spellings.ts';

/** Values by name, each in the form in which every spelling of a value is the same; so without case. */
type Params = Readonly<Record<string, string>>;

/**
 * The values in the first of these readings of the path that the route matches: the canonical one, in which everything is undone
 * that an origin may undo; the path split at its unescaped slashes alone; and what some origin takes it for. A name that has no
 * value in any of them, and one between two `*`, is left out.
 * @param path as sent: one that is routed, so the work is bounded.
 */
export const paramsOf = ({ match }: Pick<Route, 'match'>, path: string): Params => {
  if (match === undefined || !match.includes(':')) return {};
  const read = foldedForm(path);
  const patterns = patternsOf(match, foldedForm);
  for (const segments of readingsOf(read)) {
    const params = valuesInAny(patterns, segments);
    if (params !== undefined) return params;
  }
  return {};
};

/** A value as an operator writes it, in the form that it has in `Params`. */
export const paramValue = (text: string): string =>
  paramsOf({ match: '/:value' }, `/${encodeURIComponent(text.toWellFormed())}`).value ?? '';

function* readingsOf(read: string): Iterable<readonly string[]> {
  const [untilEnd = ''] = read.split(END, 1);
  const [untilSemicolon = ''] = read.split(';', 1);
  yield canonicalSegments(untilEnd);
  yield sentSegments(read);
  for (const path of new Set([untilEnd, unmarked(read), untilSemicolon])) {
    const segments = canonicalSegments(path);
    yield* aliasesOf(segments);
    for (const [i, segment] of segments.entries())
      if (isScript(segment)) yield* aliasesOf(segments.slice(i + 1));
  }
}

/** The segments as they are, `/a/b` for `/a/b.json`, and `/a.php` for `/a.php/0`. */
function* aliasesOf(segments: readonly string[]): Iterable<readonly string[]> {
  yield segments;
  for (const name of withoutSuffix(segments.at(-1) ?? '')) yield [...segments.slice(0, -1), name];
  for (const [i, segment] of segments.entries()) if (segment.includes('.')) yield segments.slice(0, i + 1);
}

const valuesInAny = (patterns: readonly Pattern[], segments: readonly string[]): Params | undefined => {
  for (const pattern of patterns) {
    const params = valuesIn(
      pattern.filter(({ texts, gaps }) => gaps.length > 0 || texts[0] !== ''),
      segments,
    );
    if (params !== undefined) return params;
  }
  return undefined;
};

/** Without `;` parameters, dots at ends, empty and dot segments. */
const canonicalSegments = (path: string): readonly string[] => {
  const segments: string[] = [];
  for (const part of path.replaceAll(SOFT_SLASH, '/').split('/')) {
    const segment = unmarked(part.replace(/;.*$/, ''));
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(withoutDots(segment).at(-1) ?? '');
  }
  return segments;
};

const sentSegments = (read: string): readonly string[] =>
  unmarked(read.replaceAll(SOFT_SLASH, '%2f')).split('/').filter(Boolean);

/** From the left up to the first `*`, and from the right down to the last. */
const valuesIn = (pattern: Pattern, segments: readonly string[]): Params | undefined => {
  const first = pattern.findIndex(isStar);
  if (first < 0) return pattern.length === segments.length ? valuesOfEach(pattern, segments) : undefined;
  const after = pattern.slice(pattern.findLastIndex(isStar) + 1);
  if (segments.length < first + after.length) return undefined;
  const left = valuesOfEach(pattern.slice(0, first), segments.slice(0, first));
  const right = valuesOfEach(after, segments.slice(segments.length - after.length));
  return left && right && { ...left, ...right };
};

const isStar = ({ gaps }: SegmentPattern): boolean => gaps.some(({ name }) => name === undefined);

const valuesOfEach = (pattern: Pattern, segments: readonly string[]): Params | undefined => {
  const params: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const values = matchSegment(part, segments[i] ?? '');
    if (values === undefined) return undefined;
    for (const [k, value] of values.entries()) {
      const name = part.gaps[k]?.name;
      if (name !== undefined) params[name] = value;
    }
  }
  return params;
};
