// Which name was meant: the known names nearest to a misspelled one. Pure; names are few and short.

/** Words that people add to our names, or leave out. */
const NOISE = new Set(['WEIR', 'RATE', 'DEFAULT', 'JWT', 'TOKEN']);

/** Most names that a message offers. */
const MAX_NAMES = 3;

/**
 * The known names that `given` is a misspelling of, nearest first, at most three: another case, `-` or camel case, a
 * letter or two wrong, a word too many or left out. Empty where none is near.
 */
export const nearNames = (given: string, known: Iterable<string>): readonly string[] => {
  const wanted = normal(given);
  const scored = [...known]
    .filter((name) => name !== given)
    .map((name) => ({ name, distance: distanceOf(wanted, normal(name)) }))
    .filter(({ distance }) => distance <= allowed(wanted))
    .toSorted((a, b) => a.distance - b.distance);
  const best = scored[0]?.distance ?? 0;
  return scored
    .filter(({ distance }) => Math.ceil(distance) <= Math.ceil(best))
    .slice(0, MAX_NAMES)
    .map(({ name }) => name);
};

/** `jwtAudience`, `jwt-audience` -> `JWT_AUDIENCE`. */
const normal = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z\d]+/g, '_')
    .toUpperCase();

/** One wrong letter in a short name, two in a long one; a name that differs by whole words counts as one and a half. */
const allowed = (name: string): number => (name.length < 7 ? 1.5 : 2);

const distanceOf = (given: string, name: string): number =>
  Math.min(editDistance(given, name), wordDistance(wordsOf(given), wordsOf(name)));

/** Under 1 where the words are the same, noise aside; 1.5 where one has a word more than the other. */
const wordDistance = (given: readonly string[], name: readonly string[]): number => {
  const isIn = (words: readonly string[]) => (word: string) => words.some((each) => isSameWord(word, each));
  const more = given.length - name.length;
  if (given.length === 0 || Math.abs(more) > 1) return Number.POSITIVE_INFINITY;
  const [few, many] = more > 0 ? [name, given] : [given, name];
  if (!few.every(isIn(many)) || (more > 0 && few.length < 2)) return Number.POSITIVE_INFINITY;
  return more === 0 ? 0.9 : 1.5;
};

/** Singular and plural, `ALG` and `ALGORITHM`. */
const isSameWord = (a: string, b: string): boolean =>
  a === b || (Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a)));

const wordsOf = (name: string): readonly string[] =>
  name.split('_').filter((word) => word !== '' && !NOISE.has(word));

/** Letters to change, insert, remove or swap with their neighbour (optimal string alignment). */
const editDistance = (a: string, b: string): number => {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) row.push(step(a, b, i, j, row, last, before));
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
};

const step = (
  a: string,
  b: string,
  i: number,
  j: number,
  row: readonly number[],
  last: readonly number[],
  before: readonly number[],
): number => {
  const at = (line: readonly number[], index: number) => line[index] ?? Number.POSITIVE_INFINITY;
  const same = a[i - 1] === b[j - 1] ? 0 : 1;
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
  return Math.min(
    at(row, j - 1) + 1,
    at(last, j) + 1,
    at(last, j - 1) + same,
    swapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
  );
};
