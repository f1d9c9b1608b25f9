// Whether another site's page sent a request: then the browser added its cookies, not the user (CSRF, and cross-site
// hijacking of WebSockets, to which the same-origin policy does not apply).

/** @param origins exceptions. `*` is none of them: what anyone may read is not what anyone is trusted with. */
export const isFromElsewhere = ({ method, headers, url }: Request, origins: readonly string[]): boolean => {
  const origin = headers.get('Origin');
  if (origin !== null && origins.includes(origin)) return false;
  const site = headers.get('Sec-Fetch-Site');
  // Browsers without `Sec-Fetch-Site`, and WebSockets of some that have it, send `Origin` only; other clients send neither.
  if (site === null) return origin !== null && URL.parse(origin)?.hostname !== new URL(url).hostname;
  return site === 'cross-site' && !isLink(method, headers);
};

/** A link that the user followed, which changes nothing (RFC 9110 section 9.2.1). */
const isLink = (method: string, headers: Headers): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  headers.get('Sec-Fetch-Mode') === 'navigate' &&
  headers.get('Sec-Fetch-Dest') === 'document';
