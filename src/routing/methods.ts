// The methods that an origin may take a request to have.

/** Rails, Symfony, Laravel and others let a POST name another method. */
const PARAMETER = '_method';

/** HEAD counts as GET, and a POST also as what its query's `_method` says; undefined where that says too much to be read. */
export const methodsOf = (method: string, url: string): readonly string[] | undefined => {
  if (method === 'HEAD') return ['GET'];
  if (method !== 'POST' || !/method|%/i.test(url)) return [method];
  const query = url.indexOf('?');
  const named = query < 0 ? [] : methodsIn(url.slice(query + 1));
  return named && [...new Set([method, ...named])];
};

/**
 * The methods that a POST's body names, in a form or JSON; undefined where it names some in a way that is not understood.
 *
 * @param text the whole body.
 */
export const methodsInBody = (text: string): readonly string[] | undefined => {
  const methods: string[] = [];
  for (const { 0: name, index } of text.matchAll(MENTION)) {
    const start = index + name.length;
    const value = valueIn(text.slice(start, start + MAX_VALUE));
    if (value === undefined || methods.length === MAX_MENTIONS) return undefined;
    methods.push(read(value));
  }
  return [...new Set(methods)];
};

/** Mentions of a method in one body, and characters between a mention's end and its value's. */
const MAX_MENTIONS = 16;
const MAX_VALUE = 300;

/** What follows the name of a member of JSON, of a field of a form, and of one of multipart/form-data. */
const valueIn = (rest: string): string | undefined => {
  const [, json, field, part] = VALUE.exec(rest) ?? [];
  return (
    json ?? part ?? (field === undefined ? undefined : (new URLSearchParams(`_=${field}`).get('_') ?? ''))
  );
};

const VALUE =
  /^(?:"\s*:\s*"([^"\\]*)"|(?:\[[^=&;\s]*)?=([^&;\s]*)|"?(?:;[^\r\n]*)?\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]*)\r?\n)/;

/** Whether some origin would look for a method in the body of a request with such fields. */
export const mayNameMethod = ({ method, headers }: Pick<Request, 'method' | 'headers'>): boolean =>
  method === 'POST' && FORM.test(headers.get('content-type') ?? '');

/** Whether a body can be read as text that is compatible with ASCII. */
export const isPlainText = (headers: Headers): boolean =>
  /^(identity)?$/i.test(headers.get('content-encoding') ?? '') &&
  !/charset *= *(?!"?(?:utf-8|us-ascii|iso-8859|windows-))/i.test(headers.get('content-type') ?? '');

/** Rack takes a body of no type for a form. */
const FORM = /^\s*($|[;,])|form|multipart|json/i;

/** Only parameters that mention a method are decoded, since a query can have thousands. */
const methodsIn = (query: string): readonly string[] | undefined => {
  const pairs: string[] = [];
  for (const { index } of query.matchAll(WORD)) {
    if (pairs.length === MAX_MENTIONS) return undefined;
    pairs.push(pairAt(query, index));
  }
  return [...new URLSearchParams(pairs.join('&'))]
    .filter(([name]) => spelled(name) === PARAMETER)
    .map(([, value]) => read(value));
};

/** The parameter of a query that this place is in. */
const pairAt = (query: string, index: number): string => {
  const start = Math.max(query.lastIndexOf('&', index), query.lastIndexOf(';', index)) + 1;
  return query.slice(start).split(/[&;]/, 1)[0] ?? '';
};

const codesOf = (character: string): string =>
  [character, character.toUpperCase()].map((each) => each.charCodeAt(0).toString(16)).join('|');

/** A character as it is, and escaped in a URL. */
const inUrl = (character: string): string => `(?:${character}|%(?:${codesOf(character)}))`;

/** A character as it is, escaped in a URL, and escaped in JSON. */
const either = (character: string): string => `\\\\*(?:${inUrl(character)}|\\\\u00(?:${codesOf(character)}))`;

/** Of a query. Without the first character of `_method`, which PHP takes others for. */
const WORD = new RegExp([...'method'].map(inUrl).join(''), 'gi');

/** `_method`, and what PHP takes for it, however escaped; no part of another word. */
const MENTION = new RegExp(
  `(?<!\\w)(?:[_. +]|%5f|%2e|%20|\\\\u005f){1,4}${[...'method'].map(either).join('')}(?![a-z\\d_])`,
  'gi',
);

/** PHP takes `.method`, ` _method` and `_method[]` for `_method`. */
const spelled = (name: string): string =>
  name.trim().replace(/\[.*$/, '').replace(/[. ]/g, '_').toLowerCase();

const read = (value: string): string => {
  const method = value.trim().toUpperCase();
  return method === 'HEAD' ? 'GET' : method;
};
