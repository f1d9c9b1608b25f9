// `Location` and `Content-Location` of an origin that does not know its public host.

/** Header fields whose value is a URL of the origin's own. */
const FIELDS = ['Location', 'Content-Location'];

/** Scheme and authority, and all that follows. */
const URL_PARTS = /^(?:(?:https?:)?\/\/([^/?#]*))?(.*)$/is;

/**
 * Makes a function that replaces the origin's own host and base path in the fields of a response.
 *
 * @param origin `ORIGIN_URL`.
 */
export const locationRewriter = (origin: URL) => {
  const base = origin.pathname.replace(/\/+$/, '');

  /** @param publicOrigin `https://api.example.com`. */
  const rewritten = (value: string, publicOrigin: string): string => {
    const [, authority, rest = ''] = URL_PARTS.exec(value) ?? [];
    if (authority === undefined && !(base !== '' && isWithin(rest, base))) return value;
    if (authority !== undefined && !isHostOf(origin, authority)) return value;
    const path = isWithin(rest, base) ? rest.slice(base.length) : rest;
    const whole = path.startsWith('/') ? path : `/${path}`;
    // Alone, a path that begins with two slashes would name a host.
    return authority === undefined && !whole.startsWith('//') ? whole : publicOrigin + whole;
  };

  return (headers: Headers, publicOrigin: string): void => {
    for (const name of FIELDS) {
      const value = headers.get(name);
      if (value !== null) headers.set(name, rewritten(value, publicOrigin));
    }
  };
};

/** Whether a path is the base or below it. */
const isWithin = (path: string, base: string): boolean =>
  path.startsWith(base) && /^($|[/?#])/.test(path.slice(base.length));

/** Whether an authority is the origin's, under either scheme, with the origin's port or the scheme's own. */
const isHostOf = ({ hostname, host }: URL, authority: string): boolean => {
  const named = ['http:', 'https:'].map((scheme) => URL.parse(`${scheme}//${authority}`));
  return named.some((url) => url?.host === host || (url?.hostname === hostname && url.port === ''));
};
