// Vars -> Config: what each may say, and the message of everything it may not.
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../src/config/config.ts';
import { SECRETS } from '../../src/config/settings.ts';
import { Secret } from '../../src/lib/secret.ts';

type Env = Record<string, unknown>;

const ISSUER = { JWT_ISSUER: 'https://issuer.example' };
const SECRET = 'a secret of at least 32 bytes in all';
const PEM = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----';
const JWK = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

const linesOf = (env: Env): readonly string[] => {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
};

/** `env` beside an issuer, which alone would do. */
const configOf = (env: Env = {}) => parseConfig({ ...ISSUER, ...env });

const route = (entry: Env): Env => ({ ...ISSUER, ROUTES: [{ name: 'search', match: '/search', ...entry }] });

const PUBLIC_WORDS =
  '`RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA` or `Ed25519`';

describe('a bad configuration is named', () => {
  it.each<[name: string, env: Env, ...lines: string[]]>([
    // Whom to trust.
    [
      'no issuer and no key',
      {},
      '`JWT_ISSUER`: expected an https URL to discover its keys from, or a key source, got nothing',
    ],
    [
      'an issuer that is no URL, and no key',
      { JWT_ISSUER: 'accounts' },
      '`JWT_ISSUER`: expected an https URL to discover its keys from, or a key source, got `accounts`',
    ],
    [
      'discovery over plain http',
      { JWT_ISSUER: 'http://issuer.example' },
      '`JWT_ISSUER`: expected an https URL to discover its keys from, or a key source, got `http://issuer.example`',
    ],
    [
      'a key set over plain http',
      { JWKS_URL: 'http://issuer.example/jwks' },
      '`JWKS_URL`: expected an https URL without credentials or fragment, got `http://issuer.example/jwks`',
    ],
    [
      'a key set at no URL',
      { JWKS_URL: 'issuer.example/jwks' },
      '`JWKS_URL`: expected an https URL without credentials or fragment, got `issuer.example/jwks`',
    ],
    [
      'credentials in a URL, which are not quoted',
      { JWKS_URL: 'https://me:hunter2@issuer.example/jwks' },
      '`JWKS_URL`: expected an https URL without credentials or fragment',
    ],
    [
      'a key set and a public key',
      { JWKS_URL: 'https://issuer.example/jwks', JWT_PUBLIC_KEY: PEM },
      '`JWT_PUBLIC_KEY`: expected no key source beside `JWKS_URL`',
    ],
    [
      'a short secret, which is not quoted',
      { JWT_SECRET: 'hunter2' },
      '`JWT_SECRET`: expected at least 32 bytes, got `7`',
    ],
    [
      'a secret too short for HS512',
      { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS512' },
      '`JWT_SECRET`: expected at least 64 bytes, got `36`',
    ],
    [
      'a secret too short for one of its algorithms',
      { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS256, HS384' },
      '`JWT_SECRET`: expected at least 48 bytes, got `36`',
    ],
    [
      'a short previous secret',
      { JWT_SECRET: SECRET, JWT_SECRET_PREVIOUS: 'hunter2' },
      '`JWT_SECRET_PREVIOUS`: expected at least 32 bytes, got `7`',
    ],
    [
      'a previous secret alone',
      { ...ISSUER, JWT_SECRET_PREVIOUS: SECRET },
      '`JWT_SECRET_PREVIOUS`: expected `JWT_SECRET` beside it',
    ],
    [
      '`none`',
      { ...ISSUER, JWT_ALGORITHMS: 'none' },
      `\`JWT_ALGORITHMS\`: expected ${PUBLIC_WORDS}, the algorithms of public keys, got \`none\``,
    ],
    [
      'HS256 with public keys',
      { ...ISSUER, JWT_ALGORITHMS: 'RS256,HS256' },
      `\`JWT_ALGORITHMS\`: expected ${PUBLIC_WORDS}, the algorithms of public keys, got \`HS256\``,
    ],
    [
      'RS256 with a secret',
      { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS256,RS256' },
      '`JWT_ALGORITHMS`: expected `HS256`, `HS384` or `HS512`, the algorithms of a secret, got `RS256`',
    ],
    [
      '`none` with a secret',
      { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'none' },
      '`JWT_ALGORITHMS`: expected `HS256`, `HS384` or `HS512`, the algorithms of a secret, got `none`',
    ],
    [
      'an algorithm in the wrong case',
      { ...ISSUER, JWT_ALGORITHMS: 'rs256' },
      `\`JWT_ALGORITHMS\`: expected ${PUBLIC_WORDS}, the algorithms of public keys, got \`rs256\``,
    ],
    [
      'an empty algorithm between commas',
      { ...ISSUER, JWT_ALGORITHMS: 'RS256,' },
      '`JWT_ALGORITHMS`: expected values between commas, got nothing',
      `\`JWT_ALGORITHMS\`: expected ${PUBLIC_WORDS}, the algorithms of public keys, got nothing`,
    ],
    [
      'an empty audience between commas',
      { ...ISSUER, JWT_AUDIENCE: 'a,,b' },
      '`JWT_AUDIENCE`: expected values between commas, got nothing',
    ],
    [
      'a `typ` that is none',
      { ...ISSUER, JWT_TYP: 'at jwt' },
      '`JWT_TYP`: expected a media type such as `at+jwt`, got `at jwt`',
    ],
    [
      'junk for a public key, which is not quoted',
      { JWT_PUBLIC_KEY: 'hunter2' },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a private key in PEM',
      { JWT_PUBLIC_KEY: PEM.replaceAll('PUBLIC', 'PRIVATE') },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a private key as JWK',
      { JWT_PUBLIC_KEY: JSON.stringify({ ...JWK, d: 'hunter2' }) },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a private key in a JWKS',
      { JWT_PUBLIC_KEY: { keys: [JWK, { ...JWK, d: 'hunter2' }] } },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a symmetric key as JWK',
      { JWT_PUBLIC_KEY: JSON.stringify({ kty: 'oct', k: 'hunter2' }) },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a JWKS without keys',
      { JWT_PUBLIC_KEY: '{"keys":[]}' },
      '`JWT_PUBLIC_KEY`: expected public keys alone: PEM, a JWK or a JWKS',
    ],
    [
      'a subject claim with a hole',
      { ...ISSUER, SUBJECT_CLAIM: 'org..id' },
      '`SUBJECT_CLAIM`: expected a claim such as `sub` or `org.id`, got `org..id`',
    ],
    [
      'a tier claim that ends in a dot',
      { ...ISSUER, TIER_CLAIM: 'plan.' },
      '`TIER_CLAIM`: expected a claim such as `sub` or `org.id`, got `plan.`',
    ],
    // Several issuers.
    [
      'issuers beside the single one',
      { ISSUERS: [{ issuer: 'https://a.example' }], JWT_ISSUER: 'https://b.example', JWT_AUDIENCE: 'x' },
      '`JWT_ISSUER`: expected to be unset, since `ISSUERS` replaces it',
      '`JWT_AUDIENCE`: expected to be unset, since `ISSUERS` replaces it',
    ],
    ['no issuers', { ISSUERS: [] }, '`ISSUERS`: expected at least one issuer'],
    ['issuers in broken JSON', { ISSUERS: '[{' }, '`ISSUERS`: expected a TOML table or array, or JSON'],
    [
      'one issuer twice',
      { ISSUERS: [{ issuer: 'https://a.example' }, { issuer: 'https://a.example' }] },
      '`ISSUERS[1].issuer`: expected each issuer once, got `https://a.example`',
    ],
    [
      'an issuer without a name',
      { ISSUERS: [{ jwks_url: 'https://a.example/jwks' }] },
      '`ISSUERS[0].issuer`: expected a value',
    ],
    [
      'an issuer with an unknown key',
      { ISSUERS: [{ issuer: 'https://a.example', jwksUrl: 'https://a.example/jwks' }] },
      '`ISSUERS[0].jwksUrl`: expected no such key',
    ],
    [
      'the secret of an issuer in place of the name of its binding, which is not quoted',
      { ISSUERS: [{ issuer: 'https://a.example', secret: 'hunter2' }] },
      '`ISSUERS[0].secret`: expected the name of a secret binding that is set',
    ],
    [
      'a short secret of one of several issuers, by the name of its binding',
      { ISSUERS: [{ issuer: 'https://a.example', secret: 'A_SECRET' }], A_SECRET: 'hunter2' },
      '`A_SECRET`: expected at least 32 bytes, got `7`',
    ],
    [
      'an issuer with two key sources',
      { ISSUERS: [{ issuer: 'a', jwks_url: 'https://a.example/jwks', public_key: PEM }] },
      '`ISSUERS[0].public_key`: expected no key source beside `ISSUERS[0].jwks_url`',
    ],
    [
      'an issuer without keys',
      { ISSUERS: [{ issuer: 'a' }] },
      '`ISSUERS[0].issuer`: expected an https URL to discover its keys from, or a key source, got `a`',
    ],
    [
      'HS256 for one of several issuers',
      { ISSUERS: [{ issuer: 'https://a.example', algorithms: ['HS256'] }] },
      `\`ISSUERS[0].algorithms\`: expected ${PUBLIC_WORDS}, the algorithms of public keys, got \`HS256\``,
    ],
    // Limits.
    [
      'a quota in words',
      { ...ISSUER, LIMITS: 'ten/minute' },
      '`LIMITS`: expected `<quota>/<unit>`, got `ten/minute`',
    ],
    [
      'limits twice wrong',
      { ...ISSUER, LIMITS: '0/minute; 5/fortnight' },
      '`LIMITS`: expected a quota from 1 to 999999999999999, got `0/minute`',
      '`LIMITS`: expected `<quota>/<unit>`, got `5/fortnight`',
    ],
    [
      'one window twice',
      { ...ISSUER, LIMITS: '10/minute, 20/60 seconds' },
      '`LIMITS`: expected each window once, beside `10/minute`, got `20/60 seconds`',
    ],
    [
      'a decimal for addresses',
      { ...ISSUER, IP_LIMITS: '1.5/second' },
      '`IP_LIMITS`: expected `<quota>/<unit>`, got `1.5/second`',
    ],
    [
      'a negative quota for all',
      { ...ISSUER, GLOBAL_LIMITS: '-5/second' },
      '`GLOBAL_LIMITS`: expected `<quota>/<unit>`, got `-5/second`',
    ],
    [
      'an odd limit for anonymous callers',
      { ...ISSUER, ANONYMOUS_LIMITS: '5' },
      '`ANONYMOUS_LIMITS`: expected `<quota>/<unit>`, got `5`',
    ],
    [
      'an odd limit for preflights',
      { ...ISSUER, PREFLIGHT_LIMITS: '5/11 years' },
      '`PREFLIGHT_LIMITS`: expected a window from 1 second to 10 years, got `5/11 years`',
    ],
    [
      'a gcra quota too fast',
      { ...ISSUER, ALGORITHM: 'gcra', LIMITS: '2000000/second' },
      '`LIMITS`: expected at most one permit a microsecond for gcra, got `2000000/second`',
    ],
    [
      'a tier with an odd limit',
      { ...ISSUER, TIERS: { pro: '1000/min' } },
      '`TIERS.pro`: expected `<quota>/<unit>`, got `1000/min`',
    ],
    [
      'a tier that is a number',
      { ...ISSUER, TIERS: '{"pro":1000}' },
      '`TIERS.pro`: expected a string, got `1000`',
    ],
    [
      'a tier of a name that objects have of themselves',
      { ...ISSUER, TIERS: '{"constructor":"1/minute"}' },
      '`TIERS.constructor`: expected no such key',
    ],
    ['tiers as an array', { ...ISSUER, TIERS: '["pro"]' }, '`TIERS`: expected a table, got an array'],
    [
      '17 policies on one request',
      {
        ...ISSUER,
        LIMITS: Array.from({ length: 10 }, (_, i) => `9/${i + 1} days`).join(),
        IP_LIMITS: '1/minute, 1/hour, 1/day, 1/month',
        GLOBAL_LIMITS: '9/minute, 9/hour, 9/day',
      },
      '`LIMITS`: expected at most 16 policies on one request, got `17`',
    ],
    // Keys.
    [
      'a key that is none',
      { ...ISSUER, LIMITS: '5/minute by "org"' },
      '`LIMITS`: expected a key after `by`: `subject`, `route`, `address`, `everyone`, a claim such as `org.id`, or a `:name` of the route’s own `match`, got `5/minute by "org"`',
    ],
    [
      'a parameter that the route’s own pattern lacks',
      route({ match: '/teams/:team', limits: '5/minute by :user' }),
      '`ROUTES[0].limits`: expected a key after `by`: `subject`, `route`, `address`, `everyone`, a claim such as `org.id`, or a `:name` of the route’s own `match`, got `5/minute by :user`',
    ],
    [
      'addresses by another key',
      { ...ISSUER, IP_LIMITS: '5/minute by org.id' },
      '`IP_LIMITS`: expected no other key than `address`, got `5/minute by org.id`',
    ],
    [
      'callers without a token by a claim of it',
      { ...ISSUER, ANONYMOUS_LIMITS: '5/minute by org.id' },
      '`ANONYMOUS_LIMITS`: expected a key other than `org.id`, since these callers have no token, got `5/minute by org.id`',
    ],
    [
      'one window twice by one key',
      { ...ISSUER, LIMITS: '5/minute by org.id; 9/minute by claim:org.id' },
      '`LIMITS`: expected each window once, beside `5/minute by org.id`, got `9/minute by claim:org.id`',
    ],
    [
      'nine claims to count by',
      { ...ISSUER, LIMITS: Array.from({ length: 9 }, (_, i) => `5/minute by c${i}`).join() },
      '`LIMITS`: expected at most 8 claims to count by, over all limits, got `9`',
    ],
    [
      'limits by tier without `default`',
      route({ limits: { pro: '5/minute' } }),
      '`ROUTES[0].limits`: expected a list `default`, for callers of any other tier',
    ],
    [
      'an odd limit of a tier',
      route({ limits: { pro: '5 a minute', default: 'none' } }),
      '`ROUTES[0].limits.pro`: expected `<quota>/<unit>`, got `5 a minute`',
    ],
    [
      'limits that are a number',
      route({ limits: 5 }),
      '`ROUTES[0].limits`: expected limits such as `10/minute`, or a table of them by tier, got `5`',
    ],
    [
      'a cost above the quota of a tier’s limits there',
      route({ limits: { pro: '5/minute', default: '50/minute' }, cost: 9 }),
      '`ROUTES[0].cost`: expected at most the quota of `search:5/minute`, got `9`',
    ],
    // Networks, fields and bodies.
    [
      'a network with bits after its prefix',
      { ...ISSUER, EXEMPT_ADDRESSES: '192.0.2.0/24, 192.0.2.1/24' },
      '`EXEMPT_ADDRESSES`: expected networks such as `192.0.2.0/24` or `2001:db8::/32`, got `192.0.2.1/24`',
    ],
    [
      'a prefix of a single bit',
      { ...ISSUER, IPV6_PREFIX: '1' },
      '`IPV6_PREFIX`: expected a whole number from 32 to 128, got `1`',
    ],
    [
      'odd fields',
      { ...ISSUER, RATELIMIT_HEADERS: 'draft-7' },
      '`RATELIMIT_HEADERS`: expected `standard`, `legacy`, `both` or `none`, got `draft-7`',
    ],
    [
      'a body of a status that is not ours, of no type, too long',
      { ...ISSUER, RESPONSES: { 418: { type: 'teapot', body: 'x'.repeat(5000) } } },
      '`RESPONSES.418`: expected a status of ours: `400`, `401`, `403`, `429`, `500`, `502`, `503` or `504`, got `418`',
      '`RESPONSES.418.type`: expected a media type such as `text/html; charset=utf-8`, got `teapot`',
      '`RESPONSES.418.body`: expected at most 4096 characters, got `5000`',
    ],
    // Routes.
    [
      'routes in broken JSON',
      { ...ISSUER, ROUTES: '[{"name":"a"' },
      '`ROUTES`: expected a TOML table or array, or JSON',
    ],
    ['routes as a table', { ...ISSUER, ROUTES: { search: {} } }, '`ROUTES`: expected an array, got a table'],
    [
      'a route that is a string',
      { ...ISSUER, ROUTES: ['/search'] },
      '`ROUTES[0]`: expected a table, got `/search`',
    ],
    [
      'a route without a name',
      { ...ISSUER, ROUTES: [{ match: '/search' }] },
      '`ROUTES[0].name`: expected a value',
    ],
    ['a route with an unknown key', route({ limit: '5/minute' }), '`ROUTES[0].limit`: expected no such key'],
    [
      'two routes with two unknown keys each, none of whose values is quoted',
      {
        ...ISSUER,
        ROUTES: [
          { name: 'a', match: '/a', secret: 'hunter2', token: 'hunter2' },
          { name: 'b', match: '/b', key: 'hunter2', pass: 'hunter2' },
        ],
      },
      '`ROUTES[0].secret`: expected no such key',
      '`ROUTES[0].token`: expected no such key',
      '`ROUTES[1].key`: expected no such key',
      '`ROUTES[1].pass`: expected no such key',
    ],
    [
      'a route name in upper case',
      route({ name: 'Search' }),
      '`ROUTES[0].name`: expected at most 64 of `a-z`, `0-9`, `-` and `_`, got `Search`',
    ],
    [
      'a route named like a scope',
      route({ name: 'ip' }),
      '`ROUTES[0].name`: expected each name once, and none of `default`, `anonymous`, `preflight`, `ip` or `global`, got `ip`',
    ],
    [
      'two routes of one name',
      {
        ...ISSUER,
        ROUTES: [
          { name: 'a', match: '/a' },
          { name: 'a', match: '/b' },
        ],
      },
      '`ROUTES[1].name`: expected each name once, and none of `default`, `anonymous`, `preflight`, `ip` or `global`, got `a`',
    ],
    [
      'a path without its slash',
      route({ match: 'search' }),
      '`ROUTES[0].match`: expected a URLPattern pathname such as `/api/search/*`, without escapes, `;`, `//` and dot segments, got `search`',
    ],
    [
      'a path with a query',
      route({ match: '/search?q=*' }),
      '`ROUTES[0].match`: expected a URLPattern pathname such as `/api/search/*`, without escapes, `;`, `//` and dot segments, got `/search?q=*`',
    ],
    [
      'a path with an escape',
      route({ match: '/a%2Fb' }),
      '`ROUTES[0].match`: expected a URLPattern pathname such as `/api/search/*`, without escapes, `;`, `//` and dot segments, got `/a%2Fb`',
    ],
    [
      'a path with a dot segment',
      route({ match: '/a/../b' }),
      '`ROUTES[0].match`: expected a URLPattern pathname such as `/api/search/*`, without escapes, `;`, `//` and dot segments, got `/a/../b`',
    ],
    [
      'HEAD among the methods',
      route({ methods: ['HEAD'] }),
      '`ROUTES[0].methods`: expected a method other than HEAD, which counts as `GET`, got `HEAD`',
    ],
    ['no methods', route({ methods: [] }), '`ROUTES[0].methods`: expected at least one method'],
    [
      'a method with a space',
      route({ methods: ['GET POST'] }),
      '`ROUTES[0].methods`: expected a method other than HEAD, which counts as `GET`, got `GET POST`',
    ],
    ['methods as a string', route({ methods: 'GET' }), '`ROUTES[0].methods`: expected an array, got `GET`'],
    [
      'an odd auth',
      route({ auth: 'off' }),
      '`ROUTES[0].auth`: expected `required`, `optional` or `none`, got `off`',
    ],
    [
      'an odd mode',
      route({ mode: 'dry-run' }),
      '`ROUTES[0].mode`: expected `enforce` or `shadow`, got `dry-run`',
    ],
    [
      'an odd algorithm',
      route({ algorithm: 'token-bucket' }),
      '`ROUTES[0].algorithm`: expected `sliding-window`, `gcra` or `fixed-window`, got `token-bucket`',
    ],
    [
      'an odd limit',
      route({ limits: '5 a minute' }),
      '`ROUTES[0].limits`: expected `<quota>/<unit>`, got `5 a minute`',
    ],
    ['a cost of nothing', route({ cost: 0 }), '`ROUTES[0].cost`: expected a whole number from 1, got `0`'],
    ['a decimal cost', route({ cost: 1.5 }), '`ROUTES[0].cost`: expected a whole number from 1, got `1.5`'],
    ['a cost as a string', route({ cost: '5' }), '`ROUTES[0].cost`: expected a number, got `5`'],
    [
      'a cost above the route’s quota',
      route({ cost: 20, limits: '10/minute' }),
      '`ROUTES[0].cost`: expected at most the quota of `search:10/minute`, got `20`',
    ],
    [
      'a cost above the default quota',
      route({ cost: 101 }),
      '`ROUTES[0].cost`: expected at most the quota of `100/minute`, got `101`',
    ],
    [
      'a cost above a tier’s quota',
      { ...route({ cost: 50 }), TIERS: { free: '20/minute' } },
      '`ROUTES[0].cost`: expected at most the quota of `20/minute`, got `50`',
    ],
    [
      'a cost above an anonymous caller’s quota',
      route({ cost: 61, auth: 'none' }),
      '`ROUTES[0].cost`: expected at most the quota of `60/minute`, got `61`',
    ],
    [
      'a cost above the global quota, where exempt from all else',
      { ...route({ cost: 1000, limits: 'none' }), GLOBAL_LIMITS: '500/minute' },
      '`ROUTES[0].cost`: expected at most the quota of `global:500/minute`, got `1000`',
    ],
    [
      'a scope with a space',
      route({ scopes: ['read write'] }),
      '`ROUTES[0].scopes`: expected one scope an entry, got `read write`',
    ],
    [
      'scopes where tokens are ignored',
      route({ auth: 'none', scopes: ['read'] }),
      '`ROUTES[0].scopes`: expected none, since `auth` is `none`',
    ],
    // The origin.
    [
      'an origin that is no URL',
      { ...ISSUER, ORIGIN_URL: 'origin.example' },
      '`ORIGIN_URL`: expected an http or https URL without credentials, query or fragment, got `origin.example`',
    ],
    [
      'an origin of another scheme',
      { ...ISSUER, ORIGIN_URL: 'ftp://origin.example' },
      '`ORIGIN_URL`: expected an http or https URL without credentials, query or fragment, got `ftp://origin.example`',
    ],
    [
      'an origin with a query',
      { ...ISSUER, ORIGIN_URL: 'https://origin.example/?key=hunter2' },
      '`ORIGIN_URL`: expected an http or https URL without credentials, query or fragment',
    ],
    [
      'an origin with credentials',
      { ...ISSUER, ORIGIN_URL: 'https://me:hunter2@origin.example' },
      '`ORIGIN_URL`: expected an http or https URL without credentials, query or fragment',
    ],
    [
      'a time limit in words',
      { ...ISSUER, ORIGIN_TIMEOUT_MS: '30s' },
      '`ORIGIN_TIMEOUT_MS`: expected a whole number from 1 to 600000, got `30s`',
    ],
    [
      'no time at all',
      { ...ISSUER, ORIGIN_TIMEOUT_MS: 0 },
      '`ORIGIN_TIMEOUT_MS`: expected a whole number from 1 to 600000, got `0`',
    ],
    [
      'a short origin secret',
      { ...ISSUER, ORIGIN_SECRET: 'hunter2' },
      '`ORIGIN_SECRET`: expected at least 16 bytes, got `7`',
    ],
    [
      'an origin secret no header can carry',
      { ...ISSUER, ORIGIN_SECRET: 'hunter2\r\nX-Admin: true' },
      '`ORIGIN_SECRET`: expected printable ASCII without spaces',
    ],
    [
      'a yes for a true',
      { ...ISSUER, FORWARD_AUTHORIZATION: 'yes' },
      '`FORWARD_AUTHORIZATION`: expected `true` or `false`, got `yes`',
    ],
    // Claims as headers.
    [
      'a claim without a header',
      { ...ISSUER, CLAIM_HEADERS: 'sub' },
      '`CLAIM_HEADERS`: expected `<claim>=<header>`, got `sub`',
    ],
    [
      'a header without a claim',
      { ...ISSUER, CLAIM_HEADERS: '=X-Sub' },
      '`CLAIM_HEADERS`: expected `<claim>=<header>`, got `=X-Sub`',
    ],
    [
      'a header with a space',
      { ...ISSUER, CLAIM_HEADERS: 'sub=X Sub' },
      '`CLAIM_HEADERS`: expected `<claim>=<header>`, got `sub=X Sub`',
    ],
    [
      'a header that frames the message',
      { ...ISSUER, CLAIM_HEADERS: 'sub=Content-Length' },
      '`CLAIM_HEADERS`: expected a header of your own, got `Content-Length`',
    ],
    [
      'a hop-by-hop header',
      { ...ISSUER, CLAIM_HEADERS: 'sub=Transfer_Encoding' },
      '`CLAIM_HEADERS`: expected a header of your own, got `Transfer_Encoding`',
    ],
    [
      'the client’s credentials',
      { ...ISSUER, CLAIM_HEADERS: 'sub=authorization' },
      '`CLAIM_HEADERS`: expected a header of your own, got `authorization`',
    ],
    [
      'the host',
      { ...ISSUER, CLAIM_HEADERS: 'sub=Host' },
      '`CLAIM_HEADERS`: expected a header of your own, got `Host`',
    ],
    [
      'Weir’s own secret',
      { ...ISSUER, CLAIM_HEADERS: 'sub=X-Weir-Secret' },
      '`CLAIM_HEADERS`: expected a header of your own, got `X-Weir-Secret`',
    ],
    [
      'one header twice, in two spellings',
      { ...ISSUER, CLAIM_HEADERS: 'sub=X-Sub, org=x_sub' },
      '`CLAIM_HEADERS`: expected each header once, got `org=x_sub`',
    ],
    // The rest.
    [
      'an odd algorithm for all',
      { ...ISSUER, ALGORITHM: 'sliding' },
      '`ALGORITHM`: expected `sliding-window`, `gcra` or `fixed-window`, got `sliding`',
    ],
    [
      'an odd mode for all',
      { ...ISSUER, MODE: 'Shadow' },
      '`MODE`: expected `enforce` or `shadow`, got `Shadow`',
    ],
    [
      'an odd failure policy',
      { ...ISSUER, ON_LIMITER_ERROR: 'fail' },
      '`ON_LIMITER_ERROR`: expected `local`, `open` or `closed`, got `fail`',
    ],
    [
      'an unknown jurisdiction',
      { ...ISSUER, LIMITER_JURISDICTION: 'uk' },
      '`LIMITER_JURISDICTION`: expected `eu`, `us` or `fedramp`, got `uk`',
    ],
    [
      'a location that is a city',
      { ...ISSUER, LIMITER_LOCATION: 'ams' },
      '`LIMITER_LOCATION`: expected `wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `oc`, `afr` or `me`, got `ams`',
    ],
    [
      'leases that outlive a revocation',
      { ...ISSUER, LEASE_SECONDS: '11' },
      '`LEASE_SECONDS`: expected a whole number from 1 to 10, got `11`',
    ],
    ['leases of another kind', { ...ISSUER, LEASES: 'true' }, '`LEASES`: expected `on` or `off`, got `true`'],
    [
      'a tolerance of ten minutes',
      { ...ISSUER, CLOCK_TOLERANCE_SECONDS: '600' },
      '`CLOCK_TOLERANCE_SECONDS`: expected a whole number from 0 to 300, got `600`',
    ],
    [
      'a negative age',
      { ...ISSUER, MAX_TOKEN_AGE_SECONDS: '-1' },
      '`MAX_TOKEN_AGE_SECONDS`: expected a whole number from 1 to 311040000, got `-1`',
    ],
    [
      'a cache of a week',
      { ...ISSUER, TOKEN_CACHE_SECONDS: '604800' },
      '`TOKEN_CACHE_SECONDS`: expected a whole number from 0 to 86400, got `604800`',
    ],
    [
      'a decimal delay',
      { ...ISSUER, UNAUTHORIZED_DELAY_MS: '1.5' },
      '`UNAUTHORIZED_DELAY_MS`: expected a whole number from 0 to 1000, got `1.5`',
    ],
    [
      'a patience of a minute',
      { ...ISSUER, LIMITER_TIMEOUT_MS: '60000' },
      '`LIMITER_TIMEOUT_MS`: expected a whole number from 1 to 30000, got `60000`',
    ],
    [
      'a CORS origin with a path',
      { ...ISSUER, CORS_ORIGINS: 'https://app.example/' },
      '`CORS_ORIGINS`: expected origins such as `https://app.example.com`, or `*` alone, got `https://app.example/`',
    ],
    [
      'a star among CORS origins',
      { ...ISSUER, CORS_ORIGINS: 'https://app.example, *' },
      '`CORS_ORIGINS`: expected origins such as `https://app.example.com`, or `*` alone, got `*`',
    ],
    [
      'a CORS origin with a wildcard, which no browser sends',
      { ...ISSUER, CORS_ORIGINS: 'https://*.app.example' },
      '`CORS_ORIGINS`: expected origins such as `https://app.example.com`, or `*` alone, got `https://*.app.example`',
    ],
    [
      'a factor of one',
      { ...ISSUER, ABNORMAL_FACTOR: '1' },
      '`ABNORMAL_FACTOR`: expected a number from 2 to 1000, got `1`',
    ],
    [
      'an odd action',
      { ...ISSUER, ABNORMAL_ACTION: 'block' },
      '`ABNORMAL_ACTION`: expected `report` or `deny`, got `block`',
    ],
    [
      'a short admin token, which is not quoted',
      { ...ISSUER, ADMIN_TOKEN: 'hunter2' },
      '`ADMIN_TOKEN`: expected at least 32 bytes, got `7`',
    ],
    [
      'a short partition secret',
      { ...ISSUER, PARTITION_SECRET: 'hunter2' },
      '`PARTITION_SECRET`: expected at least 16 bytes, got `7`',
    ],
    [
      'a table where a text belongs',
      { JWT_ISSUER: { url: 'https://issuer.example' }, JWKS_URL: 'https://issuer.example/jwks' },
      '`JWT_ISSUER`: expected a string',
    ],
  ])('%s', (_, env, ...lines) => {
    expect(linesOf(env)).toEqual(lines);
  });

  it('with everything else that is wrong, at once', () => {
    expect(linesOf({ LIMITS: 'ten', MODE: 'off', ROUTES: '[', LEASES: 'no' })).toHaveLength(5);
  });

  it('never by a secret’s value', () => {
    const text = linesOf({
      JWT_SECRET: 'hunter2',
      JWT_SECRET_PREVIOUS: 'hunter2',
      JWT_PUBLIC_KEY: `hunter2 PRIVATE KEY`,
      ORIGIN_SECRET: 'hunter2',
      ADMIN_TOKEN: 'hunter2',
      PARTITION_SECRET: 'hunter2',
      ORIGIN_URL: 'https://u:hunter2@x.example',
      JWKS_URL: 'https://x.example/?hunter2#',
    }).join('\n');
    expect(text).not.toContain('hunter2');
    expect(text.split('\n').length).toBeGreaterThanOrEqual(8);
  });
});

describe('a good configuration', () => {
  it('needs an issuer alone, and then has these defaults', () => {
    expect(configOf()).toMatchObject({
      tokens: {
        issuers: [
          {
            issuer: 'https://issuer.example',
            audience: [],
            algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
            keys: [{ kind: 'discovery', issuer: 'https://issuer.example' }],
          },
        ],
        clockToleranceSeconds: 5,
        maxAgeSeconds: undefined,
        subjectClaims: [['sub']],
        scopeClaims: [['scope'], ['scp']],
        tierClaim: undefined,
        cacheSeconds: 300,
        unauthorizedDelayMs: 10,
      },
      origin: {
        url: undefined,
        timeoutMs: 30_000,
        uploadIdleMs: 30_000,
        secret: undefined,
        forwardAuthorization: true,
      },
      claimHeaders: [{ claim: ['sub'], header: 'X-Auth-Subject' }],
      policies: {
        default: [{ name: '100/minute', algorithm: 'sliding-window' }],
        anonymous: [{ name: '60/minute' }],
        preflight: [{ name: 'preflight:600/minute' }],
        ip: [],
        global: [],
      },
      routes: [],
      defaultRoute: { name: 'default', auth: 'required', limits: [], cost: 1, scopes: [], mode: 'enforce' },
      onLimiterError: 'local',
      limiterTimeoutMs: 1000,
      limiterJurisdiction: undefined,
      limiterLocation: undefined,
      leaseMs: 1_000,
      leases: 'on',
      corsOrigins: [],
      serverTiming: false,
      abnormal: undefined,
      adminToken: undefined,
      partitionSecret: undefined,
    });
  });

  it('reads an empty string as unset, and leaves bindings and unknown names alone', () => {
    const plain = configOf();
    expect(configOf({ LIMITS: '', ROUTES: '', JWT_SECRET: '', ADMIN_TOKEN: '', CLAIM_HEADERS: ' ' })).toEqual(
      plain,
    );
    expect(configOf({ LIMITER: { get: () => undefined }, ORIGIN: {}, LIMTIS: 'junk' })).toEqual(plain);
  });

  it('takes TOML’s own types and JSON strings alike', () => {
    const ROUTES = [{ name: 'search', match: '/search', cost: 5, methods: ['get'], limits: '10/minute' }];
    const TIERS = { pro: '1000/minute' };
    const typed = configOf({
      ROUTES,
      TIERS,
      ORIGIN_TIMEOUT_MS: 500,
      FORWARD_AUTHORIZATION: false,
      JWT_AUDIENCE: ['a', 'b'],
    });
    const texts = configOf({
      ROUTES: JSON.stringify(ROUTES),
      TIERS: JSON.stringify(TIERS),
      ORIGIN_TIMEOUT_MS: '500',
      FORWARD_AUTHORIZATION: 'false',
      JWT_AUDIENCE: 'a, b',
    });
    expect(typed).toEqual(texts);
    expect(typed.routes[0]?.methods).toEqual(new Set(['GET']));
    expect(typed.tokens.issuers[0]?.audience).toEqual(['a', 'b']);
    expect(typed.policies.tiers.get('pro')?.[0]).toMatchObject({ quota: 1000 });
  });

  it('takes each key source', () => {
    const keysOf = (env: Env) => parseConfig(env).tokens.issuers[0]?.keys;
    const encoding = 'utf8';
    const jwks = { kind: 'jwks', url: 'https://i.example/jwks?v=1' };
    const secret = { kind: 'secret', secrets: [new Secret(SECRET)], encoding };
    expect(keysOf({ JWKS_URL: jwks.url })).toEqual([jwks]);
    expect(keysOf({ JWT_PUBLIC_KEY: PEM.replaceAll('\n', '\\n') })).toEqual([{ kind: 'public', key: PEM }]);
    expect(keysOf({ JWT_PUBLIC_KEY: JWK })).toEqual([{ kind: 'public', key: JSON.stringify(JWK) }]);
    expect(keysOf({ JWT_SECRET: SECRET })).toEqual([secret]);
    const [both] = keysOf({ JWT_SECRET: SECRET, JWT_SECRET_PREVIOUS: `${SECRET}!` }) ?? [];
    expect(both?.kind === 'secret' && both.secrets.map((each) => each.reveal())).toEqual([
      SECRET,
      `${SECRET}!`,
    ]);
    expect(keysOf({ JWT_SECRET: SECRET, JWKS_URL: jwks.url })).toEqual([jwks, secret]);
    expect(keysOf({ JWKS_URL: `${jwks.url}, https://j.example/a,b` })).toEqual([
      jwks,
      { kind: 'jwks', url: 'https://j.example/a,b' },
    ]);
  });

  it.each(['http://localhost:8787/jwks', 'http://127.0.0.1:1/jwks', 'http://[::1]:1/jwks'])(
    'takes plain http on this machine: %s',
    (JWKS_URL) => {
      expect(parseConfig({ JWKS_URL }).tokens.issuers[0]?.keys).toEqual([{ kind: 'jwks', url: JWKS_URL }]);
      expect(parseConfig({ JWT_ISSUER: JWKS_URL }).tokens.issuers[0]?.keys[0]?.kind).toBe('discovery');
    },
  );

  it('takes an issuer by any name where its keys are given', () => {
    const [issuer] = parseConfig({ JWT_ISSUER: 'accounts', JWT_SECRET: SECRET }).tokens.issuers;
    expect(issuer).toMatchObject({ issuer: 'accounts', algorithms: ['HS256'] });
  });

  it('takes several issuers, each with its own keys, audience, algorithms and typ', () => {
    const { issuers } = parseConfig({
      ISSUERS: [
        { issuer: 'https://a.example', audience: 'x, y', typ: 'at+jwt' },
        { issuer: 'b', jwks_url: 'https://b.example/jwks', algorithms: ['ES256'] },
        { issuer: 'c', public_key: JWK, audience: ['z'] },
      ],
    }).tokens;
    expect(issuers).toMatchObject([
      { issuer: 'https://a.example', audience: ['x', 'y'], typ: 'at+jwt', keys: [{ kind: 'discovery' }] },
      { issuer: 'b', audience: [], algorithms: ['ES256'], keys: [{ kind: 'jwks' }] },
      { issuer: 'c', audience: ['z'], keys: [{ kind: 'public' }] },
    ]);
  });

  it('reads a dotted claim as a path', () => {
    const { tokens, claimHeaders } = configOf({
      SUBJECT_CLAIM: 'org.id',
      TIER_CLAIM: 'plan',
      CLAIM_HEADERS: 'org.id=X-Org, https://example/plan=X-Plan',
    });
    expect(tokens).toMatchObject({ subjectClaims: [['org', 'id']], tierClaim: ['plan'] });
    expect(claimHeaders).toEqual([
      { claim: ['org', 'id'], header: 'X-Org' },
      { claim: ['https://example/plan'], header: 'X-Plan' },
    ]);
  });

  it('counts a tier where the default limits count, so that a change of tier keeps what was spent', () => {
    const { policies } = configOf({ TIERS: { pro: '1000/minute' } });
    expect(policies.tiers.get('pro')?.[0]?.counter).toBe(policies.default[0]?.counter);
  });

  it('applies a route’s algorithm to its own limits only, so that it opens no fresh counter for the default ones', () => {
    const { policies, routes } = configOf({
      ROUTES: [{ name: 'bill', match: '/bill', limits: '5/month', algorithm: 'fixed-window' }],
    });
    expect(routes[0]?.limits).toMatchObject([{ algorithm: 'fixed-window', name: 'bill:5/month' }]);
    expect(policies.default).toMatchObject([{ algorithm: 'sliding-window' }]);
  });

  it('gives a route the mode and algorithm of all where it names none', () => {
    const { routes, defaultRoute } = configOf({
      MODE: 'shadow',
      ALGORITHM: 'gcra',
      ROUTES: [
        { name: 'a', match: '/a', limits: '5/minute' },
        { name: 'b', match: '/b', mode: 'enforce' },
      ],
    });
    expect(defaultRoute.mode).toBe('shadow');
    expect(routes).toMatchObject([{ mode: 'shadow', limits: [{ algorithm: 'gcra' }] }, { mode: 'enforce' }]);
  });

  it('lets a cost reach a quota, and go beyond one that the route is exempt from', () => {
    expect(configOf({ ROUTES: [{ name: 'a', match: '/a', cost: 100 }] }).routes[0]?.cost).toBe(100);
    expect(
      configOf({ ROUTES: [{ name: 'a', match: '/a', cost: 9999, limits: 'none' }] }).routes[0]?.limits,
    ).toBe('none');
  });

  it('reads the switches', () => {
    expect(
      configOf({
        LEASES: 'off',
        LEASE_SECONDS: '5',
        SERVER_TIMING: 'true',
        ON_LIMITER_ERROR: 'closed',
        LIMITER_JURISDICTION: 'us',
        LIMITER_LOCATION: 'weur',
        CORS_ORIGINS: 'https://app.example, http://localhost:3000',
        ABNORMAL_FACTOR: '2.5',
        ABNORMAL_ACTION: 'deny',
      }),
    ).toMatchObject({
      leases: 'off',
      leaseMs: 5_000,
      serverTiming: true,
      onLimiterError: 'closed',
      limiterJurisdiction: 'us',
      limiterLocation: 'weur',
      corsOrigins: ['https://app.example', 'http://localhost:3000'],
      abnormal: { factor: 2.5, action: 'deny' },
    });
    expect(configOf({ ADMIN_TOKEN: 'x'.repeat(32) }).adminToken?.reveal()).toBe('x'.repeat(32));
    expect(configOf({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*']);
  });

  it('is read when large, in its order', () => {
    const names = Array.from({ length: 200 }, (_, i) => `r${i}`);
    const ROUTES = names.map((name) => ({ name, match: `/api/${name}/*`, limits: '10/minute' }));
    expect(configOf({ ROUTES }).routes.map(({ name }) => name)).toEqual(names);
  });
});

it('shows no secret, however it is printed', () => {
  const secrets = Object.keys(SECRETS).map(
    (name, i) => [name, `hunter2-of-thirty-two-bytes-and-more-${i}`] as const,
  );
  const config = parseConfig(Object.fromEntries(secrets));
  const json = JSON.stringify(config);
  expect(json + inspect(config, { depth: 20, showHidden: true })).not.toContain('hunter2');
  expect(json.match(/\*\*\*/g)).toHaveLength(secrets.length);
});

it('whatever the vars hold, they are read or refused with a ConfigError', () => {
  const names = [
    ...[
      'ROUTES',
      'TIERS',
      'ISSUERS',
      'LIMITS',
      'JWT_ISSUER',
      'JWKS_URL',
      'JWT_PUBLIC_KEY',
      'JWT_SECRET',
      'ORIGIN_URL',
    ],
    ...[
      'CLAIM_HEADERS',
      'CORS_ORIGINS',
      'JWT_ALGORITHMS',
      'JWT_AUDIENCE',
      'ABNORMAL_FACTOR',
      'ORIGIN_TIMEOUT_MS',
    ],
  ];
  const value = fc.oneof(fc.string(), fc.anything(), fc.json());
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (env) => {
      expect(Array.isArray(linesOf(env))).toBe(true);
    }),
    { numRuns: 500 },
  );
});
