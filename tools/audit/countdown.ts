// What an API says remains, and whether that follows what is spent. Pure.
import { remainingIn } from './declared.ts';
import { readFields } from './fields.ts';
import type { Exchange } from './http/client.ts';

/** What is left under the policy that has least left, in whatever syntax; undefined where the response does not say. */
export const remainingOf = (exchange: Exchange): number | undefined => {
  const read = readFields(exchange);
  return read.ok && read.items.length > 0
    ? Math.min(...read.items.map(({ remaining }) => remaining))
    : remainingIn(exchange);
};

/**
 * Down to nothing, by one for each request at most; from the last rise on, if there is no more than one rise: a window
 * that turned meanwhile.
 *
 * @param counts what remained after each request in a row, the last of them denied
 */
export const countDown = (counts: readonly number[]): boolean => {
  const rises = counts.flatMap((count, i) => (i > 0 && count > (counts[i - 1] ?? count) + 1 ? [i] : []));
  const sinceRise = counts.slice(rises[0] ?? 0);
  const admitted = sinceRise.slice(0, -1);
  const [first = 0, last = first] = [admitted[0], admitted.at(-1)];
  return (
    rises.length <= 1 &&
    sinceRise.at(-1) === 0 &&
    first - last >= (admitted.length - 1) / 2 &&
    last <= 1 + admitted.length / 10
  );
};

/**
 * Permits that requests in between took; undefined where a good request is not seen to take one.
 *
 * @param counts what remained after two good requests in a row, and after a third that came after the others
 */
export const takenByOthers = ([first, second, last]: readonly (number | undefined)[]): number | undefined =>
  first === undefined || second === undefined || last === undefined || first - second !== 1
    ? undefined
    : second - last - 1;
