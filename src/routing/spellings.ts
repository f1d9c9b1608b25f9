// How else an origin may spell a segment: what it leaves out of one, and which are files that it runs. Pure.
import { DROPPED, END, unmarked } from './marks.ts';

/**
 * A segment as it stands, without its `;` parameters, and without dots at its end, which Windows leaves out. One that
 * is nothing once marks are gone may still be something.
 */
export const spellings = (text: string): readonly string[] => {
  if (!HAS_SPELLINGS.test(text)) return [text];
  const whole = unmarked(text);
  if (whole === '') return ['', DROPPED];
  const cut = whole.indexOf(';');
  return cut < 0 ? withoutDots(whole) : [...withoutDots(whole), ...withoutDots(whole.slice(0, cut))];
};

const HAS_SPELLINGS = new RegExp(`[;${END}${DROPPED}]|\\.$`);

/** A segment, and without the dots at its end where there are any and something is before them. */
export const withoutDots = (text: string): readonly string[] => {
  if (!text.endsWith('.')) return [text];
  const end = lastIndex(text, (code) => code !== DOT) + 1;
  return end === 0 ? [text] : [text, text.slice(0, end)];
};

/** Rails and JAX-RS take off what follows the last dot, Spring what follows any. */
export const withoutSuffix = (text: string): readonly string[] => {
  const [first, last] = [text.indexOf('.'), text.lastIndexOf('.')];
  return first <= 0
    ? []
    : first === last
      ? [text.slice(0, first)]
      : [text.slice(0, first), text.slice(0, last)];
};

/** Whether a segment may be a file that is run. */
export const isScript = (text: string): boolean =>
  text.includes('.') && spellings(text).some((spelling) => SCRIPT.test(spelling));

/** Files that servers run, and hand what follows their name to. */
export const SCRIPT = /\.(?:php\d?|phtml|phar|f?cgi|pl|py|rb|sh|asp|aspx|ashx|asmx|axd|svc|cfm|cfc|jsp)$/i;

/** Where the last character is that is so, or -1. A regular expression would look at what stands before it once for each. */
export const lastIndex = (text: string, is: (code: number) => boolean): number => {
  let i = text.length - 1;
  while (i >= 0 && !is(text.charCodeAt(i))) i--;
  return i;
};

const DOT = 0x2e;
