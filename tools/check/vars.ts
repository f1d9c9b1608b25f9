// Vars by their names: those that Weir does not know, those in the wrong place, secrets, and those that do nothing.
import { nearNames } from '../../src/config/near-names.ts';
import { tiersOf } from '../../src/config/tiers.ts';
import type { Config } from '../../src/config/types.ts';
import { parseJson } from '../../src/lib/json.ts';
import { listOf, type Table, tableOf } from './config-file.ts';
import { error, type Finding, warning } from './finding.ts';
import { isMisnamedSetting } from './shape.ts';
import { SECRET_VARS, type Target } from './targets.ts';

/** Cloudflare's limit for one variable. */
const MAX_VAR_BYTES = 5 * 1024;

/** In a Worker of nothing but Weir, an unknown var is surely a mistake. */
export const varFindings = (
  { vars, settings, isOurWorker, prefix = '' }: Target,
  plain: ReadonlySet<string>,
): readonly Finding[] => {
  const known = new Set([...plain].map((name) => prefix + name));
  const secrets = [...SECRET_VARS.map((name) => prefix + name), ...issuerSecrets(vars)];
  const ours = new Set([...known, ...secrets]);
  return [
    ...Object.entries(vars).flatMap(([name, value]) => [
      ...(secrets.includes(name) ? secretFindings(name, value) : []),
      ...(isPrivateKey(value) ? [privateKey(name)] : []),
      ...sizeFindings(name, value, known.has(`${name}_1`)),
      ...(ours.has(name) || !name.startsWith(prefix) ? [] : unknownFindings(name, value, known, isOurWorker)),
    ]),
    ...secretValueFindings(settings),
    ...requiredFindings(settings, ours),
    ...outsideFindings(settings, plain),
  ];
};

/** `[secrets]` has names, and no values. */
const secretValueFindings = ({ secrets }: Table): readonly Finding[] =>
  Object.keys(tableOf(secrets))
    .filter((name) => name !== 'required')
    .map((name) =>
      error(
        'secret-in-vars',
        `${name} has a value in [secrets], which holds names alone.`,
        `Write \`required = ["${name}"]\` there and run \`wrangler secret put ${name}\`.`,
      ),
    );

/** Secrets that the deploy would ask for under another name than the one that is read. */
const requiredFindings = ({ secrets }: Table, ours: ReadonlySet<string>): readonly Finding[] =>
  listOf(tableOf(secrets).required)
    .map(String)
    .filter((name) => !ours.has(name))
    .flatMap((name) => {
      const near = nearNames(name, SECRET_VARS);
      return near.length === 0
        ? []
        : [
            error(
              'unknown-var',
              `Weir does not know the secret ${name}.`,
              `Did you mean ${near.join(' or ')}?`,
            ),
          ];
    });

/** The bindings that entries of `ISSUERS` name for their secrets. */
const issuerSecrets = (vars: Table): readonly string[] =>
  Object.entries(vars)
    .filter(([name]) => /^(WEIR_)?ISSUERS(_\d+)?$/.test(name))
    .flatMap(([, value]) => listOf(typeof value === 'string' ? parseJson(value) : value))
    .map(tableOf)
    .flatMap(({ secret, secret_previous }) => [secret, secret_previous])
    .filter((name) => typeof name === 'string');

const secretFindings = (name: string, value: unknown): readonly Finding[] =>
  value !== ''
    ? [
        error(
          'secret-in-vars',
          `${name} is a secret, but is in [vars].`,
          `Remove it there and run \`wrangler secret put ${name}\`.`,
        ),
      ]
    : [];

/** PEM, or a JWK with its private part. */
const isPrivateKey = (value: unknown): boolean => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /PRIVATE KEY-----/.test(text) || (/"kty"/.test(text) && /"d"\s*:/.test(text));
};

const privateKey = (name: string): Finding =>
  error(
    'secret-in-vars',
    `${name} holds a private key, with which whoever reads it can sign tokens.`,
    'Take the key out of use, remove it there, and write the public half alone, or JWKS_URL.',
  );

/** @param isContinued whether the var may continue in others of its name and a number. */
const sizeFindings = (name: string, value: unknown, isContinued: boolean): readonly Finding[] => {
  const bytes = Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
  if (bytes <= MAX_VAR_BYTES) return [];
  return [
    error(
      'var-too-large',
      `${name} has ${bytes} bytes; a var has at most ${MAX_VAR_BYTES}.`,
      isContinued
        ? `Move entries to ${name}_1, ${name}_2 and so on, or shorten it: wider patterns make fewer routes.`
        : 'Shorten it; instead of keys, set JWKS_URL.',
    ),
  ];
};

/** Our vars, by what other tools call them. */
const PEERS: readonly (readonly [name: RegExp, ours: string])[] = [
  [
    /^((OIDC|OAUTH2?|OPENID|AUTH0?|TOKEN|ISSUER)_)(ISSUER|ISS|URL|DOMAIN|AUTHORITY)$|^AUTHORITY$/,
    'JWT_ISSUER',
  ],
  [/^(OIDC|OAUTH2?|AUTH0|API)_(AUDIENCE|IDENTIFIER)$/, 'JWT_AUDIENCE'],
  [/^(USER|SUBJECT|CALLER|CLIENT|CONSUMER)_LIMITS?$/, 'LIMITS'],
  [/^(ADDRESS|CLIENT_IP|REMOTE)_LIMITS?$/, 'IP_LIMITS'],
  [/^(TOTAL|SERVICE|OVERALL)_LIMITS?$/, 'GLOBAL_LIMITS'],
  [/^(REQUEST_|PROXY_|FETCH_|READ_)?TIMEOUT(_(MS|SECONDS|SEC|S))?$/, 'ORIGIN_TIMEOUT_MS'],
  [/^METRICS_(KEY|SECRET|PASSWORD)$|^PROMETHEUS_(TOKEN|KEY|SECRET)$/, 'METRICS_TOKEN'],
  [/^(UPSTREAM|BACKEND|TARGET|PROXY|DESTINATION|API)(_(URL|HOST|ORIGIN|SERVER|ADDRESS))?$/, 'ORIGIN_URL'],
  [/^(QUOTA|THROTTLE|RATE|REQUESTS?)S?(_PER_(SECOND|MINUTE|HOUR|DAY))?$|^MAX_REQUESTS$/, 'LIMITS'],
  [/^(JWKS|JWK|KEY_?SET)_(ENDPOINT|ADDRESS|HREF|URI|SOURCE)$/, 'JWKS_URL'],
  [/^FAIL(URE)?_(OPEN|CLOSED?|MODE|POLICY)$/, 'ON_LIMITER_ERROR'],
  [/^(SHADOW|DRY_?RUN|REPORT|ENFORCE|LOG)(_(MODE|ONLY))?$|^ENFORCEMENT$/, 'MODE'],
  [/^(USER|SUBJECT|CALLER|CLIENT|IDENTITY|ACCOUNT)(_ID)?_(CLAIM|FIELD|KEY)$/, 'SUBJECT_CLAIM'],
  [/^(ROLES?|PERMISSIONS?|SCOPES?)_CLAIM$/, 'SCOPE_CLAIM'],
  [/^ORIGIN_(HOST(NAME)?|SERVER|ADDRESS|BASE|BASE_URL|URI)$|^BASE_URL$/, 'ORIGIN_URL'],
  [/^(JWT_|TOKEN_)?(CLOCK_?)?(SKEW|LEEWAY|DRIFT)(_(SECONDS|SEC|S|MS))?$/, 'CLOCK_TOLERANCE_SECONDS'],
  [/^(TOKEN|AUTH|JWT|SESSION|ACCESS_TOKEN)_?(COOKIE|QUERY|HEADER|PARAM|LOCATION)(_NAME)?$/, 'TOKEN_SOURCES'],
  [/^(ALLOWED?|ACCEPTED|CORS_ALLOWED?)_(ORIGINS?|DOMAINS?)$/, 'CORS_ORIGINS'],
  [/^(PLANS?|PACKAGES?)$/, 'TIERS'],
  [/^(PLAN|PACKAGE)_CLAIM$/, 'TIER_CLAIM'],
  [/^(ENDPOINTS?|PATHS?|RULES?|POLICIES|POLICY)$/, 'ROUTES'],
  [/^(STRATEGY|LIMITER_STRATEGY|WINDOW_TYPE)$/, 'ALGORITHM'],
  [/^(DASHBOARD|ADMIN)_(HOST|HOSTNAME|DOMAIN)$/, 'CONSOLE_HOST'],
  [/^(WHITELIST|ALLOWLIST|EXEMPT_IPS?|TRUSTED_IPS?|SKIP_IPS?)$/, 'EXEMPT_ADDRESSES'],
  [/^(ADMIN|API)_(KEY|SECRET|PASSWORD)$/, 'ADMIN_TOKEN'],
];

const unknownFindings = (
  name: string,
  value: unknown,
  known: ReadonlySet<string>,
  isOurWorker: boolean,
): readonly Finding[] => {
  if (strays(value, [], known).length > 0)
    return [
      error(
        'unknown-var',
        `Weir does not know ${name}, so what it holds changes nothing.`,
        `Write vars of ours in \`[vars]\` itself, and those of an environment in \`[env.${name === 'env' ? '<name>' : name}.vars]\`.`,
      ),
    ];
  const near = meant(name, known, isOurWorker);
  if (near.length > 0)
    return [
      error(
        'unknown-var',
        `Weir does not know ${name}, so it changes nothing.`,
        `Did you mean ${near.join(' or ')}?${near.some((each) => SECRET_VARS.includes(each)) ? ' A secret is set with `wrangler secret put`.' : ''}`,
      ),
    ];
  if (!isOurWorker) return [];
  return [warning('unknown-var', `Weir does not know ${name}.`, 'Check its spelling, or remove it.')];
};

/** Another Worker may have a var by a peer's name for itself. */
const meant = (name: string, known: ReadonlySet<string>, isOurWorker: boolean): readonly string[] => {
  const upper = name.toUpperCase().replace(/[^A-Z]+/g, '_');
  const peers = isOurWorker ? PEERS.filter(([peer]) => peer.test(upper)) : [];
  return peers.length > 0 ? peers.map(([, ours]) => ours) : nearNames(name, known);
};

/** In TOML, what follows a `[table]` belongs to it: a var of ours below one is easily written. */
const outsideFindings = (settings: Table, known: ReadonlySet<string>): readonly Finding[] => [
  ...(Array.isArray(settings.vars) ? [VARS_LIST] : []),
  ...Object.entries(tableOf(settings.vars))
    .filter(([name]) => known.has(name))
    .flatMap(([name, value]) =>
      Object.entries(tableOf(value)).flatMap(([key, inner]) => strays(inner, ['vars', name, key], known)),
    )
    .map((path) => outside(path, 'Move it up, above the first `[vars.…]`')),
  ...Object.entries(settings).flatMap(([name, value]) => {
    if (name === 'vars' || name === 'secrets' || isMisnamedSetting(name)) return [];
    if (isOursInOtherCase(name, known) || (name === 'limits' && typeof value === 'string'))
      return [outside([name.toUpperCase()])];
    return strays(value, [name], known).map((path) => outside(path));
  }),
];

const VARS_LIST = error(
  'outside-vars',
  '`[[vars]]` makes a list of what must be one table, so that no Worker sees it.',
  'Write `[vars]`, in one bracket.',
);

/** Keys of wrangler's own at the top level that a var of ours is called in capitals. */
const WRANGLERS = ['routes', 'limits'];

const isOursInOtherCase = (name: string, known: ReadonlySet<string>): boolean =>
  !known.has(name) && !WRANGLERS.includes(name) && known.has(name.toUpperCase());

/** Where names of ours stand as keys, tables inside them left out. */
const strays = (
  value: unknown,
  path: readonly string[],
  known: ReadonlySet<string>,
): readonly (readonly string[])[] => {
  const last = path.at(-1) ?? '';
  if (known.has(last) || isMisspelt(last, path, known)) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => strays(item, [...path, ''], known));
  return Object.entries(tableOf(value)).flatMap(([key, inner]) => strays(inner, [...path, key], known));
};

/** Nothing of wrangler's is written in capitals. */
const isMisspelt = (name: string, path: readonly string[], known: ReadonlySet<string>): boolean =>
  path.length === 1 && /^[A-Z][A-Z_]{3,}$/.test(name) && nearNames(name, known).length > 0;

const outside = (path: readonly string[], move = 'Move it below `[vars]`'): Finding => {
  const names = path.filter((step) => step !== '');
  const name = names.at(-1) ?? '';
  const place = names.length === 1 ? 'at the top level' : `in [${names.slice(0, -1).join('.')}]`;
  return error(
    'outside-vars',
    `${name} is ${place}, where no Worker sees it.`,
    `${move}: ${instead(name)}. In an environment, below \`[env.<name>.vars]\`.`,
  );
};

const instead = (name: string): string =>
  name === 'ROUTES' || name === 'ISSUERS'
    ? `\`[[vars.${name}]]\``
    : name === 'TIERS'
      ? `\`[vars.${name}]\``
      : `\`${name} = "…"\``;

/** Vars that do nothing without another one. */
export const idleFindings = (config: Config, { env }: Target): readonly Finding[] => {
  const found: Finding[] = [];
  const { tierClaim } = config.tokens;
  const hasTiers = tiersOf(config).length > 0;
  if (hasTiers && tierClaim === undefined)
    found.push(
      warning('tiers-without-claim', 'Tiers have limits, but no claim names a tier.', 'Set TIER_CLAIM.'),
    );
  if (!hasTiers && tierClaim !== undefined)
    found.push(
      warning('no-effect', 'TIER_CLAIM is set, but no tier has limits.', 'Set TIERS, or remove it.'),
    );
  if (config.policies.tiers.has('default'))
    found.push(
      warning(
        'no-effect',
        'The tier `default` of TIERS holds for callers whose token names it, and for no others.',
        'Write what holds for everybody else in LIMITS, and remove it.',
      ),
    );
  found.push(...strangeTiers(config), ...shortTimes(config), ...uselessOverrides(config));
  if (env.ABNORMAL_ACTION && !env.ABNORMAL_FACTOR)
    found.push(
      warning(
        'no-effect',
        'ABNORMAL_ACTION does nothing by itself.',
        'Set ABNORMAL_FACTOR, such as 5, or remove it.',
      ),
    );
  return found;
};

/** A route's limits of a tier that is a misspelling of one. */
const strangeTiers = ({ policies, routes }: Config): readonly Finding[] =>
  routes.flatMap(({ name, tierLimits }) =>
    [...tierLimits.keys()]
      .filter((tier) => !policies.tiers.has(tier))
      .flatMap((tier) => {
        const [near] = nearNames(tier, policies.tiers.keys());
        return near === undefined
          ? []
          : [
              warning(
                'no-effect',
                `\`${name}\` has limits for a tier \`${tier}\`, which TIERS does not have.`,
                `Did you mean \`${near}\`?`,
              ),
            ];
      }),
  );

/** Nothing far away answers sooner, milliseconds. */
const SHORT_MS = 100;

/** Seconds where milliseconds are meant. */
const shortTimes = ({ origin, limiterTimeoutMs }: Config): readonly Finding[] =>
  Object.entries({
    ORIGIN_TIMEOUT_MS: origin.timeoutMs,
    UPLOAD_IDLE_TIMEOUT_MS: origin.uploadIdleMs || SHORT_MS,
    LIMITER_TIMEOUT_MS: limiterTimeoutMs,
  })
    .filter(([, ms]) => ms < SHORT_MS)
    .map(([name, ms]) =>
      warning(
        'no-effect',
        `${name} is ${ms} milliseconds, in which hardly anything answers.`,
        `Write milliseconds: \`${name} = ${ms * 1e3}\` for ${ms} seconds.`,
      ),
    );

const uselessOverrides = ({ routes }: Config): readonly Finding[] =>
  routes
    .filter(
      ({ overrideDefaults, limits, tierLimits }) =>
        overrideDefaults && limits.length === 0 && tierLimits.size === 0,
    )
    .map(({ name }) =>
      warning(
        'no-effect',
        `\`${name}\` has \`override_defaults\`, but no limits that stand in place of the default ones.`,
        'Give it `limits`; `limits = "none"` exempts it.',
      ),
    );
