// Checks: ways around a limit that is spent.
import { randomInt, randomUUID } from 'node:crypto';
import { type Audit, isAdmitted } from '../audit-context.ts';
import type { Check } from '../check.ts';
import type { Call, Header } from '../http/client.ts';
import { noneWalksAround, type Variant } from '../limit.ts';
import { withQuery } from './tokens-missing.ts';

const around = { severity: 'high', owasp: 'API4:2023', needs: ['limit'] } as const;

const asMain = (audit: Audit, what: string, call: () => Call): Variant => ({
  what,
  send: () => audit.get(audit.main, call()),
});

const ADDRESS_HEADERS = [
  'X-Forwarded-For',
  'X-Real-IP',
  'Forwarded',
  'True-Client-IP',
  'CF-Connecting-IP',
  'X-Client-IP',
  'X-Originating-IP',
];

/** An address of a documentation block (RFC 5737): nobody's. */
const someAddress = (): string => `198.51.100.${randomInt(1, 255)}`;

const addressHeader = (name: string): Header => [
  name,
  name === 'Forwarded' ? `for=${someAddress()}` : someAddress(),
];

const spoofedAddress: Check = {
  ...around,
  id: 'limits.spoofed-address',
  title: 'Headers that claim another client address do not renew the quota',
  rfc: 'RFC 7239 section 8.1',
  why: 'Anybody can write these headers; a counter that believes them gives a new quota for each lie.',
  fix: 'Count by verified subject; take addresses only from the connection, or from a proxy that overwrites the header.',
  requests: 2 * ADDRESS_HEADERS.length,
  run: (audit) =>
    noneWalksAround(
      audit,
      'a random address in',
      ADDRESS_HEADERS.map((name) => asMain(audit, name, () => ({ headers: [addressHeader(name)] }))),
    ),
};

/** Other ways to write the same path. Each reaches the same resource behind some gateway. */
const spellings = (path: string): [what: string, path: string][] => {
  const [pathname = '/', query] = path.split('?', 2);
  const respell = (changed: string) => (query === undefined ? changed : `${changed}?${query}`);
  const lastSlash = pathname.lastIndexOf('/');
  const [folder, name] = [pathname.slice(0, lastSlash), pathname.slice(lastSlash + 1)];
  return [
    ['a trailing slash', respell(`${pathname}/`)],
    ['a double slash in front', respell(`/${pathname}`)],
    ['a double slash inside', respell(`${folder}//${name}`)],
    ['a dot segment', respell(`${folder}/./${name}`)],
    ['a parent segment', respell(`${folder}/audit/../${name}`)],
    ['an escaped letter', respell(`${folder}/${escapeFirst(name)}`)],
    ['an escaped slash', respell(`${folder}%2F${name}`)],
    ['a backslash', respell(`${folder}\\${name}`)],
    ['capitals', respell(pathname.toUpperCase())],
    ['a path parameter', respell(`${pathname};audit=1`)],
    ['an escaped line end', respell(`${pathname}%0A`)],
  ];
};

const escapeFirst = (name: string): string =>
  name === '' ? '' : `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`;

const pathSpelling: Check = {
  ...around,
  id: 'limits.path-spelling',
  title: 'Other spellings of the path do not renew the quota',
  rfc: 'RFC 3986 section 6.2.2',
  why: 'Where the counter reads the path as text and the router reads its meaning, each spelling is a new quota.',
  fix: 'Count by subject over all paths, or normalise the path before it becomes part of a counter’s name.',
  requests: 28,
  run(audit) {
    const { path } = audit.client.target;
    const variants = spellings(path).map(([what, spelling]) =>
      asMain(audit, what, () => ({ path: spelling })),
    );
    const noise = asMain(audit, 'query noise', () => ({ path: withQuery(path, `audit=${randomUUID()}`) }));
    return noneWalksAround(audit, 'the path with', [...variants, noise]);
  },
};

const OVERRIDES: readonly Header[] = [
  ['X-HTTP-Method-Override', 'OPTIONS'],
  ['X-HTTP-Method', 'HEAD'],
  ['X-Method-Override', 'OPTIONS'],
  ['X-Original-URL', '/audit'],
  ['X-Rewrite-URL', '/audit'],
];

const methodOverride: Check = {
  ...around,
  id: 'limits.method-override',
  title: 'Another method, or headers that claim one or another path, do not renew the quota',
  rfc: 'RFC 9110 section 9',
  why: 'If the counter believes the header and the router does not (or the other way round), the counter counts somebody else.',
  fix: 'Remove such headers at the edge; count HEAD as GET.',
  requests: 16,
  async run(audit) {
    const headers = OVERRIDES.map((pair) => asMain(audit, pair.join(': '), () => ({ headers: [pair] })));
    const head = asMain(audit, 'HEAD', () => ({ method: 'HEAD' }));
    const variants = [...headers, head];
    // Where a plain POST has a quota of its own, one that claims to be a GET shows nothing.
    const post = (extra: Header[]): Call => ({ method: 'POST', headers: extra, body: '' });
    if (!isAdmitted(await audit.get(audit.main, post([]))))
      variants.push(
        asMain(audit, 'POST that claims to be GET', () => post([['X-HTTP-Method-Override', 'GET']])),
      );
    return noneWalksAround(audit, 'the request with', variants);
  },
};

export const aroundChecks: readonly Check[] = [spoofedAddress, pathSpelling, methodOverride];
