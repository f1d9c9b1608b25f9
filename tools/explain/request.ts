// The question that `npm run explain` is asked, and the request that it is about.
import type { Config, TokenSource } from '../../src/config/types.ts';
import { UsageError } from '../cli.ts';

export interface Question {
  readonly method: string;
  readonly url: string;
  readonly token: string | undefined;
  /** The client's, for what is counted by address. */
  readonly address: string | undefined;
  readonly preflight: boolean;
  /** Fields of the request, in which a token may stand as well. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Fetch the issuer's keys and verify the signature with them; default false. */
  readonly live?: boolean;
}

/**
 * The request in question. Its token is put into the first of `TOKEN_SOURCES`.
 *
 * @throws {UsageError} for a method or URL that is not valid
 */
export const requestOf = (
  { method, url, token, headers = [] }: Question,
  config: Pick<Config, 'tokens'>,
): Request => {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`${url}: expected an http or https URL`);
  if (!/^[A-Z]+$/.test(method)) throw new UsageError(`${method}: expected a method such as GET`);
  const [source] = config.tokens.sources;
  const placed = source === undefined || token === undefined ? { url } : placedAt(source, token, url);
  const fields = [...headers, ...(placed.header ? [placed.header] : [])];
  return new Request(placed.url, { method, headers: fields.map(([name, value]) => [name, value]) });
};

/** As a browser asks before it sends the request from a page of another origin. */
export const preflightOf = ({ method, url }: Question): Request =>
  new Request(url, {
    method: 'OPTIONS',
    headers: { Origin: 'https://page.example', 'Access-Control-Request-Method': method },
  });

interface Placed {
  readonly url: string;
  readonly header?: readonly [name: string, value: string];
}

const placedAt = ({ kind, name }: TokenSource, token: string, url: string): Placed => {
  if (kind === 'header') return { url, header: [name, `Bearer ${token}`] };
  if (kind === 'cookie') return { url, header: ['cookie', `${name}=${token}`] };
  const asked = new URL(url);
  asked.searchParams.set(name, token);
  return { url: asked.href };
};
