// What to write instead of a value that the Worker's parser refuses.
import { nearNames } from '../../src/config/near-names.ts';
import { CHOICES } from '../../src/config/settings.ts';
import { issuerFix } from './issuers.ts';
import { costFix, limitsFix } from './limits.ts';
import { foreignSyntax, patternFix } from './patterns.ts';
import { parsed, type Refused, valueAt, write } from './refused.ts';

/** A sentence that says what to write; it never holds a secret, since no secret has a notation. */
export const fixOf = (refused: Refused): string => {
  const value = plain(valueAt(refused.vars, refused.variable));
  for (const suggest of SUGGESTIONS) {
    const fix = suggest(refused, value);
    if (fix !== undefined) return fix;
  }
  const name = refused.variable.replace(/_\d(?=\[)|\[\d+\]$/g, '').replace(/^.*\./, '');
  const example = EXAMPLES[name] ?? EXAMPLES[refused.variable.replace(/[.[].*$/, '')];
  return example === undefined
    ? `Correct ${refused.variable}: the README's table of vars says what it takes.`
    : `Write it as in \`${example}\`.`;
};

/** Of what has a notation of its own, one that is right; by the var, or by the key of an entry. */
const EXAMPLES: Readonly<Record<string, string>> = {
  CLAIM_HEADERS: 'CLAIM_HEADERS = "sub=X-User, org.id=X-Org"',
  JWT_AUDIENCE: 'JWT_AUDIENCE = "https://api.example.com, https://beta.example.com"',
  JWT_PUBLIC_KEY: 'JWT_PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\\n…\\n-----END PUBLIC KEY-----"',
  JWT_TYP: 'JWT_TYP = "at+jwt"',
  REQUIRED_CLAIMS: 'REQUIRED_CLAIMS = { client_id = "app-1", azp = ["web", "ios"] }',
  RESPONSES: 'RESPONSES = { "429" = { type = "text/html", body = "<p>Later.</p>" } }',
  ISSUERS: '[[vars.ISSUERS]]\\nissuer = "https://login.example.com/"\\naudience = "https://api.example.com"',
  ROUTES: '[[vars.ROUTES]]\\nname = "search"\\nmatch = "/search/*"\\nlimits = "10/minute"',
  SCOPE_CLAIM: 'SCOPE_CLAIM = "scope, permissions"',
  SUBJECT_CLAIM: 'SUBJECT_CLAIM = "sub"',
  TIER_CLAIM: 'TIER_CLAIM = "org.plan"',
  TIERS: 'TIERS = { pro = "1000/minute" }',
  match: 'match = "/search/*"',
  methods: 'methods = ["GET", "POST"]',
  auth: 'auth = "optional"',
  mode: 'mode = "shadow"',
  name: 'name = "search"',
  audience: 'audience = ["https://api.example.com"]',
  claims: 'claims = { azp = ["web", "ios"] }',
  cost: 'cost = 5',
  cost_header: 'cost_header = "X-Tokens-Used"',
  count: 'count = ["401", "403", "5xx"]',
  public_key: 'public_key = "-----BEGIN PUBLIC KEY-----\\n…\\n-----END PUBLIC KEY-----"',
  scopes: 'scopes = ["users:read"]',
};

/** Tables of TOML have no prototype, so that they are no text either. */
const plain = (value: unknown): unknown => (value === undefined ? value : JSON.parse(JSON.stringify(value)));

type Suggest = (refused: Refused, value: unknown) => string | undefined;

const keyless: Suggest = ({ variable, problem }, value) =>
  variable === 'JWT_ISSUER' && problem.includes('key source') && (value ?? '') === ''
    ? 'Set JWT_ISSUER to an https URL, or a key source. A secret that was put with `wrangler secret put` cannot be seen ' +
      'from here: name it in `[secrets] required`. Environments do not inherit `[vars]`.'
    : undefined;

/** An issuer by an address of its own that is not its name. */
const issuer: Suggest = ({ variable }, value) =>
  /(^JWT_ISSUER|\.issuer)$/.test(variable) && typeof value === 'string' ? issuerFix(value) : undefined;

/** What stands twice, or in a place that another var has taken. */
const twice: Suggest = ({ variable, problem }) => {
  if (problem.includes('`ISSUERS` replaces it'))
    return `Remove ${variable}, or ISSUERS; an entry of that has an \`issuer\` and an \`audience\` of its own.`;
  const [, other] = /no key source beside `(\w+(?:\[\d+\]\.\w+)?)`/.exec(problem) ?? [];
  if (other !== undefined)
    return `Remove ${variable}, or ${other}: an issuer has its public keys from one place.`;
  if (/`JWT_SECRET` beside it/.test(problem))
    return 'Run `wrangler secret put JWT_SECRET`, and name it in `[secrets] required` as well.';
  return problem.includes('each issuer once')
    ? 'Keep one entry of the two; it may have several audiences: `audience = ["a", "b"]`.'
    : undefined;
};

/** An entry of `ISSUERS` names its secret; that itself is never shown. */
const secretName: Suggest = ({ variable }) => {
  const [, key] = /\.(secret(?:_previous)?)$/.exec(variable) ?? [];
  return key === undefined
    ? undefined
    : `Run \`wrangler secret put PARTNER_SECRET\`, name it in \`[secrets] required\`, and write its name alone: \`${key} = "PARTNER_SECRET"\`.`;
};

/** JWT_ISSUER takes one. */
const severalIssuers: Suggest = ({ variable }, value) => {
  const several = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/,\s*|\s+/) : [];
  return variable === 'JWT_ISSUER' && (Array.isArray(value) || several.length > 1)
    ? `Write each as an entry of its own: \`[[vars.ISSUERS]]\`, \`issuer = "${String(several[0])}"\`, \`audience = "…"\`.`
    : undefined;
};

/** What a template or a guide leaves to be filled in. */
const placeholder: Suggest = ({ variable }, value) => {
  const text = String(value ?? '');
  if (!/(_URL|_ISSUER|\.(issuer|jwks_url))$/.test(variable)) return undefined;
  const [blank] = /\$?\{+[^{}]*\}+|<[^<>]*>/.exec(text.replaceAll(/\{tid\}|\{tenantid\}/g, '')) ?? [];
  if (blank === undefined) return undefined;
  return /microsoftonline|sts\.windows/.test(text)
    ? `Write your tenant's id in place of \`${blank}\`; or \`{tid}\` for every tenant, and those that you trust in REQUIRED_CLAIMS.`
    : `Write the address itself in ${variable}: nothing replaces \`${blank}\`.`;
};

/** `[vars.ROUTES]` and `[[vars.ROUTES]]` are easily taken for each other. */
const brackets: Suggest = ({ variable }, value) => {
  const isList = LISTS.includes(variable.replace(/_\d$/, ''));
  if (isList && typeof value === 'object' && value !== null && !Array.isArray(value))
    return `Write \`[[vars.${variable}]]\`, in two brackets, above each entry (JSON: an array).`;
  if (
    /^(ROUTES|ISSUERS|TIERS)(_\d)?$/.test(variable) &&
    typeof value === 'string' &&
    parsed(value) === undefined
  )
    return `Write ${variable} as valid JSON, its keys in double quotes and without commas at ends, or as a TOML table.`;
  if (variable === 'TIERS' && Array.isArray(value))
    return 'Write `[vars.TIERS]`, in one bracket, and a line for each tier: `pro = "1000/minute"`.';
  return undefined;
};

const LISTS = ['ROUTES', 'ISSUERS'];

/** Our keys of an entry, and what other tools call them. */
const KEYS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  ROUTES: {
    name: ['id', 'title'],
    match: ['path', 'paths', 'route', 'pattern', 'url', 'uri', 'prefix', 'endpoint'],
    methods: ['method', 'verbs', 'verb'],
    limits: ['limit', 'rate', 'rates', 'quota', 'rate_limit'],
    cost: ['weight', 'tokens', 'price', 'points'],
    cost_header: ['cost_field', 'real_cost', 'usage_header'],
    count: ['status', 'statuses', 'status_codes', 'codes'],
    scopes: ['scope', 'permissions'],
    auth: ['authentication', 'authenticate', 'public'],
    mode: ['shadow', 'dry_run'],
    algorithm: ['strategy'],
    override_defaults: ['override', 'replace', 'exclusive'],
  },
  ISSUERS: {
    issuer: ['iss', 'url', 'domain', 'authority'],
    audience: ['aud', 'audiences'],
    jwks_url: ['jwks', 'jwks_uri', 'keys'],
    public_key: ['key', 'pem', 'certificate'],
    secret: ['secret_key', 'hmac', 'password'],
    secret_previous: ['previous_secret', 'old_secret'],
    secret_encoding: ['encoding'],
    algorithms: ['algorithm', 'alg', 'algs'],
    typ: ['type', 'token_type'],
    claims: ['required_claims', 'claim', 'require'],
  },
};

const key: Suggest = ({ variable, problem }) => {
  const [, list = '', given] = /^(ROUTES|ISSUERS)(?:_\d)?\[\d+\]\.([\w-]+)$/.exec(variable) ?? [];
  if (given === undefined) return undefined;
  const keys = KEYS[list] ?? {};
  if (/^[A-Z][A-Z_]+$/.test(given))
    return `Move \`${given}\` up, above the first \`[[vars.${list}]]\`: what follows that belongs to the entry.`;
  if (!/no such key/.test(problem))
    return /a value/.test(problem) && Object.hasOwn(keys, given)
      ? `Give the entry ${/^[aeio]/.test(given) ? 'an' : 'a'} \`${given}\`.`
      : undefined;
  const snake = given
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  const ours =
    Object.keys(keys).find((name) => name === snake || keys[name]?.includes(snake)) ??
    nearNames(given, Object.keys(keys))[0];
  return ours === undefined
    ? `Remove \`${given}\`: an entry of ${list} has no such key.`
    : `Write \`${ours}\` in place of \`${given}\`.`;
};

/** `methods = "GET"`. */
const array: Suggest = ({ variable, problem }, value) =>
  /an array/.test(problem) && typeof value === 'string'
    ? `Write \`${variable.replace(/^.*\./, '')} = [${value
        .split(/[\s,]+/)
        .filter((part) => part !== '')
        .map((part) => JSON.stringify(part))
        .join(', ')}]\`.`
    : undefined;

const methods: Suggest = ({ variable }) =>
  /\.methods$/.test(variable)
    ? 'Leave `methods` out, which takes every method, or name them, such as `methods = ["GET", "POST"]`; GET takes HEAD, too.'
    : undefined;

/** The nearest number that is in bounds. */
const bounds: Suggest = ({ variable, problem }, value) => {
  const [, least, most] = /number from (\d+) to (\d+)/.exec(problem) ?? [];
  if (least === undefined || most === undefined) return undefined;
  const given = Number(/-?\d+(\.\d+)?/.exec(String(value))?.[0] ?? Number.NaN);
  if (Number.isNaN(given) || /[a-z]$/i.test(String(value).trim()))
    return `Write a number from ${least} to ${most}, such as \`${variable} = ${least}\`.`;
  const nearest = Math.min(Math.max(Math.round(given), Number(least)), Number(most));
  return write(variable, nearest);
};

/** `Authorization`, `cookies:session`. */
const sources: Suggest = ({ variable }, value) => {
  if (variable !== 'TOKEN_SOURCES') return undefined;
  const list = [value].flat().flatMap((each) => String(each ?? '').split(','));
  return write(variable, list.map(sourceOf).join(', '));
};

const sourceOf = (text: string): string => {
  const [, kind = '', name = ''] = /^\s*(?:([\w-]+)\s*[:=]\s*)?([\w-]*)/.exec(text) ?? [];
  const bare = SOURCES.find(([word]) => kind === '' && word.test(name));
  if (bare !== undefined) return `${bare[1]}:${bare[2]}`;
  const [, meant] = SOURCES.find(([word]) => word.test(kind)) ?? [];
  return `${meant ?? 'header'}:${name || 'Authorization'}`;
};

/** What each kind is called, and a name that is usual there. */
const SOURCES = [
  [/^headers?$/i, 'header', 'Authorization'],
  [/^cookies?$/i, 'cookie', 'session'],
  [/^(query|params?|args?|url)/i, 'query', 'access_token'],
] as const;

/** Nowhere else does a token stand. */
const noSource: Suggest = ({ variable }, value) =>
  variable === 'TOKEN_SOURCES' && /\b(body|form|json)\b/i.test(String(value))
    ? 'Write `TOKEN_SOURCES = "header:Authorization"`: a body is not read, since it may be long; there are headers, cookies and queries alone.'
    : undefined;

/** `https://console.example.com/` */
const host: Suggest = ({ variable }, value) => {
  if (variable !== 'CONSOLE_HOST') return undefined;
  const text = String(value ?? '')
    .trim()
    .toLowerCase();
  const { hostname } = URL.parse(/^\w+:\/\//.test(text) ? text : `https://${text}`) ?? {};
  return write(variable, hostname || 'console.example.com');
};

const networks: Suggest = ({ variable }) =>
  variable === 'EXEMPT_ADDRESSES'
    ? 'Write networks by their prefixes, such as `EXEMPT_ADDRESSES = "192.0.2.0/24, 2001:db8::/32"`; one address has /32 or /128.'
    : undefined;

/** `cost = "5"`. */
const bareNumber: Suggest = ({ variable, problem }, value) =>
  /a number/.test(problem) && typeof value === 'string' && /^\d+$/.test(value)
    ? write(variable, Number(value))
    : undefined;

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 6e4,
  min: 6e4,
  h: 3.6e6,
  d: 8.64e7,
};

/** `30s` for a var whose name says its unit. */
const time: Suggest = ({ variable }, value) => {
  const [, unitOfVar] = /_(MS|SECONDS)$/.exec(variable) ?? [];
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)$/i.exec(String(value).trim()) ?? [];
  if (unitOfVar === undefined || count === undefined) return undefined;
  const ms = Number(count) * (MILLISECONDS[unit.toLowerCase()] ?? 0);
  return write(variable, unitOfVar === 'MS' ? ms : ms / 1e3);
};

const YES = /^(true|on|yes|1|enabled?)$/i;
const NO = /^(false|off|no|0|disabled?)$/i;

/** Our words, and what other tools call them, among them the other words for yes and no. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  'sliding-window': [
    'moving-window',
    'sliding-log',
    'sliding-window-log',
    'sliding-window-counter',
    'rolling',
  ],
  gcra: ['token-bucket', 'leaky-bucket', 'bucket'],
  'fixed-window': ['calendar', 'fixed-window-elastic-expiry', 'fixed'],
  shadow: ['dry-run', 'report', 'report-only', 'log', 'monitor', 'observe', 'test'],
  enforce: ['enforcing', 'on', 'active', 'production', 'block'],
  open: ['allow', 'pass', 'fail-open'],
  closed: ['deny', 'block', 'fail-closed', 'close'],
  none: ['public', 'off', 'false', 'no', 'anonymous'],
  required: ['on', 'true', 'yes', 'jwt', 'bearer', 'token'],
};

/** The word that was meant, of those that the message lists. */
const word: Suggest = ({ variable, problem }, value) => {
  const [expected = ''] = problem.split(', got ');
  const words = wordsOf(variable) ?? [...expected.matchAll(/`([^`]+)`/g)].map(([, each = '']) => each);
  if (variable.includes('.') && words.join() === 'true,false')
    return `Write \`${variable.replace(/^.*\./, '')} = ${!NO.test(String(value))}\`, without quotes.`;
  if (words.length < 2 || !['string', 'boolean', 'number'].includes(typeof value)) return undefined;
  const given = String(value)
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  const meant =
    words.find((each) => each === given || SYNONYMS[each]?.includes(given)) ??
    words.find((each) => (YES.test(given) ? YES : NO.test(given) ? NO : /$^/).test(each)) ??
    nearNames(given, words)[0];
  return meant === undefined ? `Write one of ${words.join(', ')}.` : write(variable, meant);
};

const wordsOf = (variable: string): readonly string[] | undefined =>
  (CHOICES as Readonly<Record<string, readonly string[]>>)[variable];

/** A URL without its scheme, or more of it than an origin has. */
const url: Suggest = ({ variable }, value) => {
  const list = [value]
    .flat()
    .flatMap((each) => String(each ?? '').split(','))
    .map((each) => each.trim());
  if (variable === 'CORS_ORIGINS') {
    if (list.length > 1 && list.includes('*'))
      return `Write \`*\` alone, or the origins without it: \`CORS_ORIGINS = "${list.filter((each) => each !== '*').join(', ')}"\`.`;
    const origins = list.map((each) => (each === '*' ? '*' : originOf(each)));
    return origins.includes(undefined) || origins.some((each) => each !== '*' && each?.includes('*'))
      ? 'Write each origin by itself, such as `https://app.example.com`; only `*` alone stands for any.'
      : write(variable, origins.join(', '));
  }
  if (!/_URL$|^JWT_ISSUER$|\.(jwks_url|issuer)$/.test(variable)) return undefined;
  const text = String(value ?? '').trim();
  if (/^[\w.-]+\.[a-z]{2,}([:/].*)?$/i.test(text)) return write(variable, `https://${text}`);
  const parsedUrl = URL.parse(text);
  if (parsedUrl === null || !/^https?:$/.test(parsedUrl.protocol))
    return `Write a whole URL, such as \`${variable.replace(/^.*\./, '')} = "https://${variable === 'ORIGIN_URL' ? 'origin.example.net' : 'login.example.com/'}"\`.`;
  const isPlain = parsedUrl.protocol === 'http:';
  return `Write \`https://${parsedUrl.host}${parsedUrl.pathname}\`${isPlain ? ', since tokens and keys must not travel in the clear' : ', without credentials, query or fragment'}.`;
};

const originOf = (text: string): string | undefined => {
  const parsedUrl = URL.parse(/^[\w.*-]+\.[a-z]{2,}/i.test(text) ? `https://${text}` : text);
  return parsedUrl === null || parsedUrl.origin === 'null' ? undefined : parsedUrl.origin;
};

/** The path that a `match` was meant to have. */
const match: Suggest = ({ variable }, value) => {
  if (!/^ROUTES(_\d)?\[\d+\]\.match$/.test(variable) || typeof value !== 'string') return undefined;
  const bare = unwrapped(value);
  const [, method, rest = bare] =
    /^((?:[A-Z]+|get|post|put|patch|delete|options|any)(?:[|,][A-Za-z]+)*)\s+(\S+)$/.exec(bare) ?? [];
  const meant = rest.replace(/^https?:\/\/[^/]+|^[\w-]+(\.[\w-]+)+(?=\/)/, '').trim();
  const foreign = foreignSyntax(meant) ?? foreignSyntax(`/${meant}`);
  const plain = decoded(meant.replace(/[?#].*$/, ''))
    .replace(/\/{2,}/g, '/')
    .replace(/;.*$/, '');
  const fix = patternFix(foreign === undefined ? plain.replace(/^(?!\/)/, '/') : foreign.instead);
  const methods = (method ?? '')
    .toUpperCase()
    .split(/[|,]/)
    .map((each) => JSON.stringify(each))
    .join(', ');
  return method === undefined ? fix : fix.replace(/\.$/, ` and \`methods = [${methods}]\`.`);
};

/** Out of the call or the quotes that a router has it in: `PathPrefix(\`/api\`)`, `path("a/")`, `location /api`. */
const unwrapped = (text: string): string => {
  const [, call, inner] = /^(\w*)\(?\s*r?["'`](.*)["'`]\s*\)?$/.exec(text) ?? [];
  const bare = inner ?? text.replace(/^(?:location|prefix|path|exact)\s*[:=]?\s*(?=[/~^=])/i, '');
  return /prefix/i.test(call ?? '') || /^prefix/i.test(text) ? `${bare.replace(/\/$/, '')}/*` : bare;
};

/** Without what no configuration file shows as it is. */
const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path).replace(/\p{Cc}/gu, '');
  } catch {
    return path.replaceAll('%', '');
  }
};

const routeName: Suggest = ({ variable }, value) => {
  if (!/^ROUTES(_\d)?\[\d+\]\.name$/.test(variable) || typeof value !== 'string') return undefined;
  const name = value
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '');
  return name === value || name === '' ? 'Give the entry a name of its own.' : write(variable, name);
};

const length: Suggest = ({ variable, problem }) => {
  const [, bytes] = /at least (\d+) bytes/.exec(problem) ?? [];
  return bytes === undefined
    ? undefined
    : `Make one with \`openssl rand -base64 ${bytes}\`, then \`wrangler secret put ${variable}\`.`;
};

/** In this order: the first that has something to say wins. */
const SUGGESTIONS: readonly Suggest[] = [
  keyless,
  twice,
  secretName,
  severalIssuers,
  issuer,
  placeholder,
  brackets,
  key,
  array,
  methods,
  noSource,
  sources,
  host,
  networks,
  time,
  bounds,
  bareNumber,
  limitsFix,
  costFix,
  url,
  match,
  routeName,
  length,
  word,
];
