// What keeps the edge of HTTP from being a way around a limit, or a gateway from being a bad one.
import type { Mutant } from './mutant.ts';

const HEADERS = 'src/origin/headers.ts';
const LOCATION = 'src/origin/location.ts';
const PROXY = 'src/middleware/proxy.ts';
const ROUTE = 'src/middleware/route.ts';
const EXAMINE = 'src/auth/examine.ts';
const GATE = 'src/auth/failure-gate.ts';
const METHODS = 'src/routing/methods.ts';
const GATEWAY = ['test/e2e/gateway.test.ts'];
const AUTHENTICATED = ['test/worker/authenticate.test.ts'];
const ROUTES = ['test/unit/route.test.ts'];

export const edge: readonly Mutant[] = [
  {
    guard: 'what `Connection` names does not travel',
    file: HEADERS,
    from: ', ...named.map((name) => name.trim()).filter(isRemovable)',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: '`Connection` takes nothing away that Cloudflare tells the origin',
    file: HEADERS,
    from: ' && !END_TO_END.test(name)',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: '`Proxy-Authorization` does not travel',
    file: HEADERS,
    from: "'proxy-authorization', ",
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'a client does not say for whom it asks',
    file: HEADERS,
    from: '(isForwarded(read) && value !== address)',
    to: 'false',
    tests: GATEWAY,
  },
  {
    guard: '`_` in the name of a field is `-` to some origins',
    file: HEADERS,
    from: "name.search(ODD) < 0 ? name : name.replace(ODD, '-')",
    to: 'name',
    tests: GATEWAY,
  },
  {
    guard: 'the origin is told the public host',
    file: HEADERS,
    from: "headers.set('X-Forwarded-Host', host);",
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'the base path of the origin does not reach the client',
    file: LOCATION,
    from: 'isWithin(rest, base) ? rest.slice(base.length) : rest',
    to: 'rest',
    tests: GATEWAY,
  },
  {
    guard: 'a rewritten path names no other host',
    file: LOCATION,
    from: "authority === undefined && !whole.startsWith('//') ?",
    to: 'authority === undefined ?',
    tests: GATEWAY,
  },
  {
    guard: 'only the host of the origin is rewritten',
    file: LOCATION,
    from: "url?.host === host || (url?.hostname === hostname && url.port === '')",
    to: 'authority.startsWith(host) || url?.hostname === hostname',
    tests: GATEWAY,
  },
  {
    guard: 'a URL that needs no change is not put together anew',
    file: 'src/origin/request.ts',
    from: 'url === received.url ? new Request(received) : new Request(url, received)',
    to: 'new Request(url, received)',
    tests: GATEWAY,
  },
  {
    guard: 'a request that may have had an effect is not sent again',
    file: PROXY,
    from: 'if (!isRepeatable(request)) throw error;',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'a GET whose connection died is sent again',
    file: PROXY,
    from: 'return fetcher.fetch(request, options);',
    to: 'throw error;',
    tests: GATEWAY,
  },
  {
    guard: 'a status that no `Response` can be made with passes',
    file: 'src/origin/response.ts',
    from: 'status <= MAX_STATUS;',
    to: 'status > 0;',
    tests: GATEWAY,
  },
  {
    guard: 'TRACE does not show what the origin gets',
    file: ROUTE,
    from: "if (method === 'TRACE' || method === 'TRACK') return 'method_not_allowed';",
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'a length beyond all counting is refused before anything is spent',
    file: ROUTE,
    from: "Number.isSafeInteger(Number(headers.get('content-length')))",
    to: "headers.get('content-length') !== ''",
    tests: GATEWAY,
  },
  {
    guard: 'a `Host` that makes no URL is refused',
    file: ROUTE,
    from: "if (!PLAIN_URL.test(url) && !isUrl(url)) return 'host_invalid';",
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'a `Host` in which a path begins is refused',
    file: ROUTE,
    from: 'HOST_AND_PATH.test(url) && URL.canParse(url)',
    to: 'URL.canParse(url)',
    tests: GATEWAY,
  },
  {
    guard: 'a body that stalls ends with a 408',
    file: 'src/origin/upload.ts',
    from: '    atStall();\n',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'a body that breaks is its client’s fault',
    file: 'src/origin/upload.ts',
    from: '        atBreak();\n',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'so is one without an idle limit',
    file: 'src/origin/upload.ts',
    from: 'body.getReader().closed.catch(atBreak);',
    to: '',
    tests: GATEWAY,
  },
  {
    guard: 'an answer that is no HTTP is told from an origin that is not there',
    file: 'src/origin/fault.ts',
    from: "? 'origin_invalid_response' :",
    to: "? 'origin_unreachable' :",
    tests: GATEWAY,
  },
  {
    guard: 'pages that may read an answer may read our fields in it',
    file: 'src/middleware/cors.ts',
    from: "  headers.append('Access-Control-Expose-Headers', fieldNames(mode).join(', '));",
    to: '',
    tests: ['test/e2e/cors.test.ts'],
  },
  {
    guard: 'an origin with a wildcard, which no page has, is refused',
    file: 'src/config/config.ts',
    from: "each.includes('*') || ",
    to: '',
    tests: ['test/unit/config.test.ts'],
  },
  {
    guard: 'Workers of other zones are told apart',
    file: GATE,
    from: 'return isWorker ?',
    to: 'return isWorker && ipv6Prefix < 0 ?',
    tests: ['test/unit/failure-gate.test.ts'],
  },
  {
    guard: 'a flood makes no decoys',
    file: EXAMINE,
    from: '!this.#gate.isClosedTo(address) && ',
    to: '',
    tests: AUTHENTICATED,
  },
  {
    guard: 'a flood is not counted by a call for each failure',
    file: EXAMINE,
    from: 'if (this.#gate.isClosedTo(address)) this.#gate.chargeHere(address);\n    else ',
    to: '',
    tests: AUTHENTICATED,
  },
  {
    guard: 'a flood keeps its address closed out',
    file: GATE,
    from: 'if (!this.#ownCount.count(address)) this.#close(address);',
    to: 'this.#ownCount.count(address);',
    tests: AUTHENTICATED,
  },
  {
    guard: 'a query that names more methods than are read may name any',
    file: METHODS,
    from: 'if (pairs.length === MAX_MENTIONS) return undefined;',
    to: 'if (pairs.length === MAX_MENTIONS) break;',
    tests: ROUTES,
  },
  {
    guard: 'the word `method` may be escaped',
    file: METHODS,
    from: "[...'method'].map(inUrl)",
    to: "[...'method']",
    tests: ROUTES,
  },
];
