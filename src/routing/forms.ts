// The forms in which paths and patterns are compared: exactly, decoded, and with everything alike that is alike to
// some origin. Patterns and paths go through the same functions.
import { decode } from './decode.ts';
import { END, SOFT_SLASH } from './marks.ts';

/** Compares a path and a pattern; each is brought into it by the same function. */
export type Form = (path: string) => string;

/** Only in shorter paths are escapes brought to one case: what is not exactly a pattern's loosens nothing. */
const MAX_EXACT = 2_048;

/**
 * As the URL standard escapes a path: a space is `%20`, however it was sent. An escape of what needs none stays, so
 * `%61` is not exactly `a`.
 */
export const exactForm: Form = (path) => {
  const escaped = NEEDS_ESCAPING.test(path) ? encodeURI(path.toWellFormed()).replaceAll('%25', '%') : path;
  return escaped.length <= MAX_EXACT && LOWER_ESCAPE.test(escaped)
    ? escaped.replace(/%[\da-f]{2}/gi, (digits) => digits.toUpperCase())
    : escaped;
};

const NEEDS_ESCAPING = /[^!-~]|["<>[\]^`{|}]/;
const LOWER_ESCAPE = /%.?[a-f]/;

/**
 * Every escape undone, also `%2561` (escaped twice), `%u0061` (IIS) and overlong UTF-8 (RFC 3629 section 3).
 * What some origins treat specially stands as a mark.
 */
export const decodedForm: Form = (path) => {
  if (!NEEDS_DECODING.test(path)) return path;
  if (latest.path !== path) latest = { path, decoded: compatible(decode(path)) };
  return latest.decoded;
};

/** The path of a request is asked for more than once on its way. */
let latest = { path: '', decoded: '' };

/** NFKC (UAX 15): an origin may take a full-width letter for a plain one, and a full-width slash for a slash. */
const compatible = (text: string): string => (NOT_ASCII.test(text) ? marked(text).normalize('NFKC') : text);

const marked = (text: string): string =>
  MARKED.reduce((marked, [character, mark]) => marked.replaceAll(character, mark), text);

/** Characters that NFKC makes a slash, a backslash, `?` or `#` of. */
const MARKED = [
  ...['\uff0f', '\uff3c', '\ufe68'].map((slash) => [slash, SOFT_SLASH] as const),
  ...['\uff1f', '\ufe56', '\ufe16', '\uff03', '\ufe5f'].map((end) => [end, END] as const),
  ['\u2100', `a${SOFT_SLASH}c`],
  ['\u2101', `a${SOFT_SLASH}s`],
  ['\u2105', `c${SOFT_SLASH}o`],
  ['\u2106', `c${SOFT_SLASH}u`],
] as const;

const NEEDS_DECODING = /[%\\]|[^!-~]/;

/** The decoded form without case: the widest, in which a path finds every pattern that some origin takes it for. */
export const foldedForm: Form = (path) => folded(decodedForm(path));

/** By way of upper case, in which more letters are alike than in lower. */
export const folded = (decoded: string): string =>
  NOT_ASCII.test(decoded) ? decoded.toUpperCase().toLowerCase() : decoded.toLowerCase();

const NOT_ASCII = /[\u0080-\uffff]/;
