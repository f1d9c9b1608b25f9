// Header fields on their way through: what a client may not say to the origin, and what is for one connection alone.

/** Carries `ORIGIN_SECRET`, so that the origin can refuse whoever walks around Weir. */
export const SECRET_HEADER = 'X-Weir-Secret';

/** Make some origins see another path or method than the one Weir decided about; gunicorn takes `SCRIPT_NAME` off the path. */
const OVERRIDES = [
  ...['X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X-Override-URL', 'X-Envoy-Original-Path'],
  ...['Script-Name', 'X-Script-Name', 'Path-Info', 'Request-URI'],
  ...['X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override'],
];

/** Say who asked, and for which host; beside every name that begins with `X-Forwarded`. */
const FORWARDED = [
  ...['Forwarded', 'X-Real-IP', 'X-Client-IP', 'X-Cluster-Client-IP', 'X-Remote-IP', 'X-Remote-Addr'],
  ...['X-Originating-IP', 'X-ProxyUser-IP', 'True-Client-IP', 'Fastly-Client-IP', 'X-Original-Forwarded-For'],
  ...['X-Host', 'X-Original-Host', 'X-HTTP-Host-Override', 'X-Url-Scheme', 'Front-End-Https'],
];

/** RFC 9110 section 7.6.1, and what was used before it. */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** End to end, whatever `Connection` says: it would take from the origin what Cloudflare tells it. */
const END_TO_END = /^(cf-|cdn-|content-|host$)/;

/** CGI, WSGI and PHP origins read `X_Auth.Subject` as `X-Auth-Subject`: to them all but letters and digits is alike. */
const plain = (name: string): string => (name.search(ODD) < 0 ? name : name.replace(ODD, '-'));
const ODD = /[^a-z0-9-]/g;

/**
 * Makes what removes a client's own claims from its request.
 *
 * @param names of header fields that are ours to set, beside those that are so in every configuration.
 */
export const claimRemover = (names: readonly string[]) => {
  const ours = new Set([SECRET_HEADER, ...OVERRIDES, ...names].map((name) => plain(name.toLowerCase())));
  const forwarded = new Set(FORWARDED.map((name) => name.toLowerCase()));
  const isForwarded = (name: string): boolean => name.startsWith('x-forwarded') || forwarded.has(name);

  /** @param address of the client. A field that says no more than that is no claim of its own. */
  return (headers: Headers, address: string | null): void => {
    const found: string[] = [];
    for (const [name, value] of headers) {
      const read = plain(name);
      if (ours.has(read) || (isForwarded(read) && value !== address)) found.push(name);
    }
    for (const name of found) headers.delete(name);
  };
};

/** Removes what is for one connection alone, but the handshake of a WebSocket. */
export const removeHopByHop = (headers: Headers): void => {
  const isHandshake = headers.get('upgrade')?.toLowerCase() === 'websocket';
  const named = headers.get('connection')?.toLowerCase().split(',') ?? [];
  const names = [...HOP_BY_HOP, ...named.map((name) => name.trim()).filter(isRemovable)];
  for (const name of names) if (!isHandshake || name !== 'upgrade') headers.delete(name);
};

/** A field name that may be removed because `Connection` names it. */
const isRemovable = (name: string): boolean => /^[!#-'*+.^-z|~-]+$/.test(name) && !END_TO_END.test(name);

/** Tells the origin what only whoever was asked first knows: the public host and scheme, and the client's address. */
export const setForwarded = (headers: Headers, publicOrigin: string, address: string | null): void => {
  const [scheme = '', host = ''] = publicOrigin.split('://');
  headers.set('X-Forwarded-Host', host);
  headers.set('X-Forwarded-Proto', scheme);
  if (address === null) return;
  headers.set('X-Forwarded-For', address);
  headers.set('X-Real-IP', address);
};
