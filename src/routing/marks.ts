// What stands in a decoded path for characters that some origins treat specially. Controls, which are never sent.

/** For an escaped slash and a backslash: to some origins a slash. */
export const SOFT_SLASH = '\u0001';

/** For an escaped NUL, `?` or `#`: some origins stop reading there. */
export const END = '\u0002';

/** For a space or control, which some origins drop. */
export const DROPPED = '\u0003';

/** As an origin reads it that drops all of these. */
export const unmarked = (text: string): string =>
  text.includes(END) || text.includes(DROPPED) ? text.replace(MARKS, '') : text;

const MARKS = new RegExp(`[${END}${DROPPED}]`, 'g');
