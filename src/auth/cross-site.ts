// Whether another site's page sent a request: then its cookies are the browser's doing, not the user's (CSRF, and
// hijacking of WebSockets, which are under no same-origin policy).

/** @param origins those that may all the same. `*` is none of them: to be read by anyone is not to be trusted. */
export const isFromElsewhere = ({ method, headers, url }: Request, origins: readonly string[]): boolean => {
  const origin = headers.get('Origin');
  if (origin !== null && origins.includes(origin)) return false;
  const site = headers.get('Sec-Fetch-Site');
  // Browsers without it, and WebSockets of some that have it, tell the origin alone; other clients tell neither.
  if (site === null) return origin !== null && URL.parse(origin)?.hostname !== new URL(url).hostname;
  return site === 'cross-site' && !isLink(method, headers);
};

/** A link that the user followed, which changes nothing (RFC 9110 section 9.2.1). */
const isLink = (method: string, headers: Headers): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  headers.get('Sec-Fetch-Mode') === 'navigate' &&
  headers.get('Sec-Fetch-Dest') === 'document';
