// Whose tokens are trusted and how they are read: the single-issuer vars, or `ISSUERS`.
import type { Issuer, TokenConfig } from '../config.ts';
import type { Fitting } from '../schema.ts';
import { claimPath } from './claims.ts';
import { type Fields, type Names, toIssuer } from './issuer.ts';
import { publicKeyText } from './public-key.ts';
import { HMAC_ALGORITHMS, SECRET_BYTES } from './settings.ts';
import { cleanList, type Vars } from './vars.ts';

const SINGLE: Names = {
  issuer: 'JWT_ISSUER',
  jwksUrl: 'JWKS_URL',
  publicKey: 'JWT_PUBLIC_KEY',
  algorithms: 'JWT_ALGORITHMS',
  typ: 'JWT_TYP',
};

const SINGLE_ONLY = [...Object.values(SINGLE), 'JWT_AUDIENCE', 'JWT_SECRET', 'JWT_SECRET_PREVIOUS'];

const TEXT = { type: 'string' } as const;
const LIST = { anyOf: [TEXT, { type: 'array', items: TEXT }] } as const;

const ISSUER = {
  type: 'object',
  properties: { issuer: TEXT, audience: LIST, jwks_url: TEXT, public_key: {}, algorithms: LIST, typ: TEXT },
  required: ['issuer'],
  additionalProperties: false,
} as const;

const ISSUERS = { type: 'array', items: ISSUER } as const;

export const readTokens = (vars: Vars): TokenConfig => {
  const single = readSingle(vars);
  const several = readSeveral(vars);
  const tierClaim = vars.text('TIER_CLAIM');
  return {
    issuers: several ?? (vars.raw('ISSUERS') === undefined ? [toIssuer(vars, single, SINGLE)] : []),
    clockToleranceSeconds: vars.integer('CLOCK_TOLERANCE_SECONDS'),
    maxAgeSeconds: vars.optionalInteger('MAX_TOKEN_AGE_SECONDS'),
    subjectClaim: claimPath(vars, 'SUBJECT_CLAIM', vars.defaulted('SUBJECT_CLAIM')),
    tierClaim: tierClaim === undefined ? undefined : claimPath(vars, 'TIER_CLAIM', tierClaim),
    cacheSeconds: vars.integer('TOKEN_CACHE_SECONDS'),
    unauthorizedDelayMs: vars.integer('UNAUTHORIZED_DELAY_MS'),
  };
};

const readSingle = (vars: Vars): Fields => {
  const algorithms = vars.list('JWT_ALGORITHMS');
  return {
    issuer: vars.text('JWT_ISSUER'),
    audience: vars.list('JWT_AUDIENCE'),
    jwksUrl: vars.text('JWKS_URL'),
    publicKey: publicKeyText(vars.raw('JWT_PUBLIC_KEY')),
    secrets: readSecrets(vars, algorithms ?? ['HS256']),
    algorithms,
    typ: vars.text('JWT_TYP'),
  };
};

/** The current secret first; undefined where none is set. Each must do for every algorithm it may be used with. */
const readSecrets = (vars: Vars, algorithms: readonly string[]): readonly string[] | undefined => {
  const used = HMAC_ALGORITHMS.filter((algorithm) => algorithms.includes(algorithm));
  const minBytes = Math.max(SECRET_BYTES.HS256, ...used.map((algorithm) => SECRET_BYTES[algorithm]));
  const current = vars.secret('JWT_SECRET', minBytes, false);
  const previous = vars.secret('JWT_SECRET_PREVIOUS', minBytes, false);
  if (vars.raw('JWT_SECRET') !== undefined) return [current, previous].filter((each) => each !== undefined);
  if (previous !== undefined) vars.fail('JWT_SECRET_PREVIOUS', '`JWT_SECRET` beside it');
};

const readSeveral = (vars: Vars): readonly Issuer[] | undefined => {
  const entries = vars.structured('ISSUERS', ISSUERS);
  if (entries === undefined) return undefined;
  const both = SINGLE_ONLY.filter((name) => vars.raw(name) !== undefined);
  for (const name of both) vars.fail(name, 'to be unset, since `ISSUERS` replaces it');
  if (entries.length === 0) vars.fail('ISSUERS', 'at least one issuer');
  const seen = new Set<string>();
  return entries.map((entry, index) => {
    const at = `ISSUERS[${index}]`;
    if (entry.issuer === '') vars.fail(`${at}.issuer`, 'a value');
    if (seen.has(entry.issuer)) vars.fail(`${at}.issuer`, 'each issuer once', entry.issuer);
    seen.add(entry.issuer);
    return toIssuer(vars, fieldsOf(vars, entry, at), namesAt(at));
  });
};

type Entry = Fitting<typeof ISSUER>;

const fieldsOf = (vars: Vars, entry: Entry, at: string): Fields => {
  const list = (name: string, value: string | readonly string[] | undefined) =>
    value
      ? cleanList(vars, `${at}.${name}`, typeof value === 'string' ? value.split(',') : value)
      : undefined;
  return {
    issuer: entry.issuer,
    audience: list('audience', entry.audience),
    jwksUrl: entry.jwks_url || undefined,
    publicKey: publicKeyText(entry.public_key),
    secrets: undefined,
    algorithms: list('algorithms', entry.algorithms),
    typ: entry.typ || undefined,
  };
};

const namesAt = (at: string): Names => ({
  issuer: `${at}.issuer`,
  jwksUrl: `${at}.jwks_url`,
  publicKey: `${at}.public_key`,
  algorithms: `${at}.algorithms`,
  typ: `${at}.typ`,
});
