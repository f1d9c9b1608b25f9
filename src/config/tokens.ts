// Whose tokens are trusted and how they are read: the single-issuer vars, or `ISSUERS`.
import { type InferOutput, optional, unknown } from 'valibot';
import { listOf, table, text } from '../lib/shape.ts';
import { claimPath, claimPaths } from './claims.ts';
import { readIssuer } from './issuer.ts';
import { MAX_TOKEN_AGE_SECONDS } from './settings.ts';
import { readSources } from './sources.ts';
import type { Issuer, TokenConfig } from './types.ts';
import type { Vars } from './vars.ts';

/** The vars of a single issuer, by the names that an entry of `ISSUERS` has for them. */
const SINGLE: Readonly<Record<string, string>> = {
  issuer: 'JWT_ISSUER',
  audience: 'JWT_AUDIENCE',
  jwks_url: 'JWKS_URL',
  public_key: 'JWT_PUBLIC_KEY',
  algorithms: 'JWT_ALGORITHMS',
  typ: 'JWT_TYP',
  claims: 'REQUIRED_CLAIMS',
  secret: 'JWT_SECRET',
  secret_previous: 'JWT_SECRET_PREVIOUS',
  secret_encoding: 'JWT_SECRET_ENCODING',
};

const ISSUERS = listOf(
  table({
    issuer: unknown(),
    audience: optional(unknown()),
    jwks_url: optional(unknown()),
    public_key: optional(unknown()),
    algorithms: optional(unknown()),
    typ: optional(text),
    claims: optional(unknown()),
    secret: optional(text),
    secret_previous: optional(text),
    secret_encoding: optional(text),
  }),
);

type Entry = InferOutput<typeof ISSUERS>[number];

/**
 * Reads all but `keyClaims`, which depends on the limits.
 * @param verified `false`: no token is ever verified, so there are no issuers.
 */
export const readTokens = (vars: Vars, verified = true): Omit<TokenConfig, 'keyClaims'> => {
  const tierClaim = vars.text('TIER_CLAIM');
  return {
    issuers: verified ? readIssuers(vars) : [],
    sources: readSources(vars),
    mode: vars.choice('AUTH_MODE'),
    clockToleranceSeconds: vars.integer('CLOCK_TOLERANCE_SECONDS'),
    maxAgeSeconds: vars.number('MAX_TOKEN_AGE_SECONDS', MAX_TOKEN_AGE_SECONDS),
    subjectClaims: claimPaths(vars, 'SUBJECT_CLAIM'),
    scopeClaims: claimPaths(vars, 'SCOPE_CLAIM'),
    tierClaim: tierClaim === undefined ? undefined : claimPath(vars, 'TIER_CLAIM', tierClaim),
    cacheSeconds: vars.integer('TOKEN_CACHE_SECONDS'),
    unauthorizedDelayMs: vars.integer('UNAUTHORIZED_DELAY_MS'),
  };
};

const readIssuers = (vars: Vars): readonly Issuer[] => {
  const single = Object.entries(SINGLE).map(([part, name]) => [part, vars.raw(name)] as const);
  if (vars.raw('ISSUERS') === undefined) {
    if (Array.isArray(vars.raw('JWT_ISSUER')))
      vars.fail('JWT_ISSUER', 'one issuer, since several issuers or spellings stand in `ISSUERS`');
    return [readIssuer(vars.within(Object.fromEntries(single), (part) => SINGLE[part] ?? part))];
  }
  for (const [part, value] of single)
    if (value !== undefined) vars.fail(SINGLE[part] ?? part, 'to be unset, since `ISSUERS` replaces it');
  return readSeveral(vars);
};

const readSeveral = (vars: Vars): readonly Issuer[] => {
  const entries = vars.structured('ISSUERS', ISSUERS);
  if (entries?.length === 0) vars.fail('ISSUERS', 'at least one issuer');
  const seen = new Set<string>();
  return (entries ?? []).map((entry, index) => {
    const parts = partsOf(vars, entry, `ISSUERS[${index}]`);
    if (entry.issuer === '') parts.fail('issuer', 'a value');
    const issuer = readIssuer(parts);
    for (const name of [issuer.issuer ?? '', ...issuer.spellings]) {
      if (seen.has(name)) parts.fail('issuer', 'each issuer once', name);
      seen.add(name);
    }
    return issuer;
  });
};

/** Members that name the binding of a secret: the secret itself would be readable in the configuration. */
const SECRET_MEMBERS = ['secret', 'secret_previous'] as const;

/** An entry with its secrets in place of the names of their bindings; a message about one names the binding. */
const partsOf = (vars: Vars, entry: Entry, at: string): Vars => {
  const values: Record<string, unknown> = { ...entry };
  const names: Record<string, string> = {};
  for (const part of SECRET_MEMBERS) {
    const name = entry[part] ?? '';
    values[part] = vars.raw(name);
    if (typeof values[part] === 'string') names[part] = name;
    // The value may be the secret itself, so it is not quoted.
    else if (name !== '') vars.fail(`${at}.${part}`, 'the name of a secret binding that is set');
  }
  return vars.within(values, (part) => names[part] ?? `${at}.${part}`);
};
