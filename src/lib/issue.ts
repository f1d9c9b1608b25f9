// What is wrong with a value, and how a message says it.
import { isTable } from './json.ts';

/** What was expected, and what was found instead. */
export interface Issue {
  readonly expected: string;
  /** Left out where it may be a secret, or where there is nothing to show. */
  readonly got?: unknown;
}

/** An issue and where it is: `ROUTES[0].cost`. */
export interface LocatedIssue extends Issue {
  readonly at: string;
}

/** An issue as people read it. */
export const described = ({ expected, got }: Issue): string =>
  got === undefined ? expected : `${expected}, got ${shown(got)}`;

/** A value in a message, cut short. Of a table or an array it says no more than that, since one may hold a secret. */
const shown = (value: unknown): string => {
  if (value === '') return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (isTable(value)) return 'a table';
  const text = String(value);
  return `\`${text.length > 60 ? `${text.slice(0, 60)}…` : text}\``;
};

/** `a`, `b` or `c`. */
export const oneOf = (words: readonly string[]): string =>
  words
    .map((word) => `\`${word}\``)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ');
