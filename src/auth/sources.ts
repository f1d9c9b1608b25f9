// Where a request's token is found, and how it is removed before the request goes on. No crypto, no decoding.
import type { TokenConfig, TokenSource } from '../config/types.ts';
import { isFromElsewhere } from './cross-site.ts';

/** Reads what a request presents as its token, valid or not; undefined where it presents none. */
export type TokenReader = (request: Request) => string | undefined;

/**
 * Reads the first source that holds something. Several tokens in one source are joined by commas, as the runtime joins
 * headers, and so are not a valid token: no request has one token for us and another for the origin.
 */
export const tokenReader = (
  { sources }: Pick<TokenConfig, 'sources'>,
  origins: readonly string[],
): TokenReader => {
  const readers = sources.map((source) => readerOf(source, origins));
  const [first, ...more] = readers;
  if (first && more.length === 0) return first;
  return (request) => {
    for (const read of readers) {
      const text = read(request);
      if (text !== undefined) return text;
    }
    return undefined;
  };
};

const readerOf = ({ kind, name }: TokenSource, origins: readonly string[]): TokenReader => {
  switch (kind) {
    case 'header':
      return name === 'authorization'
        ? ({ headers }) => bearerText(headers.get(name))
        : ({ headers }) => headers.get(name)?.replace(SCHEME, '').trim() || undefined;
    case 'cookie':
      return (request) => {
        const text = joined(cookies(request.headers.get('cookie') ?? '', name));
        return text !== undefined && isFromElsewhere(request, origins) ? undefined : text;
      };
    case 'query':
      return ({ url }) => (url.includes('?') ? joined(new URL(url).searchParams.getAll(name)) : undefined);
  }
};

const SCHEME = /^bearer(?![\w-]) */i;

/** RFC 6750 section 2.1, the scheme in any case. Another scheme presents no token of ours. */
const bearerText = (header: string | null): string | undefined => {
  if (header === null) return undefined;
  // The usual spelling, without a regular expression.
  if (header.startsWith('Bearer ') && header[7] !== ' ') return header.slice(7);
  return SCHEME.test(header) ? header.replace(SCHEME, '') : undefined;
};

const joined = (values: readonly string[]): string | undefined => values.join(', ') || undefined;

/**
 * RFC 6265 section 4.2.1; a value may stand in quotes. The runtime joins several fields by commas, at which some origins part
 * cookies too.
 */
const cookies = (header: string, name: string): readonly string[] =>
  header
    .split(/[;,]/)
    .flatMap((pair) => (pair.includes('=') && cookieName(pair) === name ? cookieValue(pair) : []));

const cookieName = (pair: string): string => pair.split('=', 1)[0]?.trim() ?? '';
const cookieValue = (pair: string): string =>
  pair
    .slice(pair.indexOf('=') + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');

/** Removes tokens from what is sent to the origin, and leaves everything beside them as it was written. */
interface TokenRemover {
  /** Names of headers that hold nothing but a token, in lower case. */
  readonly headers: readonly string[];
  fromCookies(headers: Headers): void;
  fromUrl(url: string): string;
}

export const tokenRemover = (sources: readonly TokenSource[]): TokenRemover => {
  const named = (kind: TokenSource['kind']) =>
    new Set(sources.filter((source) => source.kind === kind).map(({ name }) => name));
  const [headerNames, cookieNames, queryNames] = [named('header'), named('cookie'), named('query')];
  return {
    headers: [...headerNames],
    fromCookies(headers) {
      const sent = cookieNames.size > 0 ? headers.get('cookie') : null;
      if (sent !== null) replaceCookies(headers, withoutCookies(sent, cookieNames));
    },
    fromUrl: (url) => (queryNames.size > 0 && url.includes('?') ? withoutParameters(url, queryNames) : url),
  };
};

const replaceCookies = (headers: Headers, kept: string): void => {
  if (kept === '') headers.delete('cookie');
  else headers.set('cookie', kept);
};

const withoutCookies = (header: string, names: ReadonlySet<string>): string =>
  header
    .split(';')
    .flatMap((part) => {
      const kept = part.split(',').filter((pair) => !names.has(cookieName(pair)));
      return kept.length > 0 ? [kept.join(',').trim()] : [];
    })
    .join('; ');

const withoutParameters = (url: string, names: ReadonlySet<string>): string => {
  const at = url.indexOf('?');
  const [query = '', fragment] = url.slice(at + 1).split('#', 2);
  const kept = query.split('&').filter((pair) => !names.has(parameterName(pair)));
  return (
    url.slice(0, at) +
    (kept.length > 0 ? `?${kept.join('&')}` : '') +
    (fragment === undefined ? '' : `#${fragment}`)
  );
};

/** As `URLSearchParams` reads it, escapes and all. */
const parameterName = (pair: string): string => [...new URLSearchParams(pair).keys()][0] ?? '';
