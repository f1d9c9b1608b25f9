// What the `:name`s of a route's own `match` stand for in a path.
import type { Route } from '../config/types.ts';
import { foldedForm } from './forms.ts';
import { END, SOFT_SLASH, unmarked } from './marks.ts';
import { matchSegment, type Pattern, patternsOf, type SegmentPattern } from './pattern.ts';

/** Values by name, each in the form in which every spelling of a value is the same; so without case. */
export type Params = Readonly<Record<string, string>>;

/**
 * The values in the canonical reading of the path, in which everything is undone that an origin may undo; where the
 * route does not match that, in the path split at its unescaped slashes alone. A name that has no value in either, and
 * one between two `*`, is left out.
 * @param path as sent.
 */
export const paramsOf = ({ match }: Pick<Route, 'match'>, path: string): Params => {
  if (match === undefined || !match.includes(':')) return {};
  const read = foldedForm(path);
  const patterns = patternsOf(match, foldedForm);
  return valuesInAny(patterns, canonicalSegments(read)) ?? valuesInAny(patterns, sentSegments(read)) ?? {};
};

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

/** Without `;` parameters, empty and dot segments, and what follows an escaped NUL, `?` or `#`. */
const canonicalSegments = (read: string): readonly string[] => {
  const segments: string[] = [];
  const [beforeEnd = ''] = read.split(END);
  for (const part of beforeEnd.replaceAll(SOFT_SLASH, '/').split('/')) {
    const segment = unmarked(part.replace(/;.*$/, ''));
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
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
