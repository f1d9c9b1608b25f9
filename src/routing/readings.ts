// The ways an origin may read a path: as sent, in canonical form, and everything between.

/** A longer path that can be read in more than one way is not worth the work; see `readings`. */
const MAX_AMBIGUOUS_CHARS = 1024;

/** Escapes of escapes are undone this deep. */
const MAX_DEPTH = 4;

/** `%41`, also as `%2541` (escaped twice), `%u0041` (IIS), `%c1%81` and longer (overlong UTF-8, RFC 3629 section 3). */
const ESCAPE = /%(?:25)*(?:(?:c|e0%8|f0%80%8)([01])%([89ab][\da-f])|(?:u00)?([\da-f]{2}))/gi;

/** Stands for NUL, `?` and `#` that came escaped: where some origins stop reading. */
const END = '%00';

/**
 * What origins do to a path before they look for its handler. Some leave a step out, and whether parameters are
 * dropped before or after `%2F` becomes a slash, and slashes folded before or after dot segments, differs too.
 */
const STEPS: readonly ((path: string) => string)[] = [
  (path) => path.replace(/%00.*$/, ''),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replaceAll('%2f', '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => resolveDots(path),
  (path) => path.replace(/\/{2,}/g, '/'),
];

/** What the URL standard changes: dot segments, `\\`, and characters that it escapes. */
const CHANGED_BY_PARSER = /\/\.|%2e|[^!$-;=@-Z_a-z~]/i;

/** The path of an absolute URL, as it is sent on. Workers see a URL as the client wrote it, and it is parsed on its way. */
export const pathOf = (url: string): string => {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const end = url.slice(start).search(/[?#]/);
  const path = end < 0 ? url.slice(start) : url.slice(start, start + end);
  return CHANGED_BY_PARSER.test(path) ? new URL(url).pathname : path;
};

/**
 * Every way to read a path, whose case does not count; undefined where a path of more than 1,024 characters could be
 * read in more than one. A step that finds nothing to do adds no reading, so ordinary paths have one.
 */
export const readings = (path: string): ReadonlySet<string> | undefined => {
  if (!/[%;]|\/[/.]|\/$/.test(path)) return new Set([path]);
  const decoded = undoEscapes(path);
  const paths = new Set([decoded]);
  if (decoded.length > MAX_AMBIGUOUS_CHARS && STEPS.some((step) => step(decoded) !== decoded))
    return undefined;
  for (const step of STEPS) for (const each of [...paths]) paths.add(step(each));
  return new Set([...paths].flatMap(bothEnds));
};

/** Undoes every escape but those of slashes, which stay `%2f`, and of what has no ASCII. */
export const undoEscapes = (path: string): string => {
  let decoded = path;
  for (let depth = 0; depth < MAX_DEPTH && decoded.includes('%'); depth++)
    decoded = decoded.replace(ESCAPE, (_, high = '0', low = '0', plain?: string) =>
      characterOf(plain === undefined ? Number(high) * 64 + (parseInt(low, 16) & 63) : parseInt(plain, 16)),
    );
  return decoded;
};

const characterOf = (code: number): string => {
  const character = String.fromCharCode(code);
  if (character === '/' || character === '\\') return '%2f';
  if (character === '\0' || character === '?' || character === '#') return END;
  if (character === '%' || code > 126) return code === 127 ? '' : `%${code.toString(16)}`;
  return code > 32 ? character : '';
};

/** RFC 3986 section 5.2.4. */
const resolveDots = (path: string): string => {
  const segments: string[] = [];
  for (const segment of path.slice(1).split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  if (/\/\.{1,2}$/.test(path)) segments.push('');
  return `/${segments.join('/')}`;
};

/** With and without the trailing slash. Dot segments that were left stand as `...`, or the pattern would resolve them. */
const bothEnds = (path: string): readonly string[] => {
  const plain = path.replace(/\/\.{1,2}(?=\/|$)/g, '/...') || '/';
  return plain.length > 1 && plain.endsWith('/') ? [plain, plain.slice(0, -1)] : [plain];
};
