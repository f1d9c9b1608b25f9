// Whose tokens are trusted and how they are read: the single-issuer vars, or `ISSUERS`.

import { optional, unknown } from 'valibot';
import { listOf, table, text } from '../lib/shape.ts';
import { claimPath } from './claims.ts';
import { readIssuer } from './issuer.ts';
import { MAX_TOKEN_AGE_SECONDS } from './settings.ts';
import type { Issuer, TokenConfig } from './types.ts';
import type { Vars } from './vars.ts';

/** The vars of a single issuer, by what an entry of `ISSUERS` calls the same. Only it may have a secret. */
const SINGLE: Readonly<Record<string, string>> = {
  issuer: 'JWT_ISSUER',
  audience: 'JWT_AUDIENCE',
  jwks_url: 'JWKS_URL',
  public_key: 'JWT_PUBLIC_KEY',
  algorithms: 'JWT_ALGORITHMS',
  typ: 'JWT_TYP',
  secret: 'JWT_SECRET',
  secret_previous: 'JWT_SECRET_PREVIOUS',
};

const ISSUERS = listOf(
  table({
    issuer: text,
    audience: optional(unknown()),
    jwks_url: optional(text),
    public_key: optional(unknown()),
    algorithms: optional(unknown()),
    typ: optional(text),
  }),
);

export const readTokens = (vars: Vars): TokenConfig => {
  const tierClaim = vars.text('TIER_CLAIM');
  return {
    issuers: readIssuers(vars),
    clockToleranceSeconds: vars.integer('CLOCK_TOLERANCE_SECONDS'),
    maxAgeSeconds: vars.number('MAX_TOKEN_AGE_SECONDS', MAX_TOKEN_AGE_SECONDS),
    subjectClaim: claimPath(vars, 'SUBJECT_CLAIM', vars.text('SUBJECT_CLAIM')),
    tierClaim: tierClaim === undefined ? undefined : claimPath(vars, 'TIER_CLAIM', tierClaim),
    cacheSeconds: vars.integer('TOKEN_CACHE_SECONDS'),
    unauthorizedDelayMs: vars.integer('UNAUTHORIZED_DELAY_MS'),
  };
};

const readIssuers = (vars: Vars): readonly Issuer[] => {
  const single = Object.entries(SINGLE).map(([part, name]) => [part, vars.raw(name)] as const);
  if (vars.raw('ISSUERS') === undefined)
    return [readIssuer(vars.within(Object.fromEntries(single), (part) => SINGLE[part] ?? part))];
  for (const [part, value] of single)
    if (value !== undefined) vars.fail(SINGLE[part] ?? part, 'to be unset, since `ISSUERS` replaces it');
  return readSeveral(vars);
};

const readSeveral = (vars: Vars): readonly Issuer[] => {
  const entries = vars.structured('ISSUERS', ISSUERS);
  if (entries?.length === 0) vars.fail('ISSUERS', 'at least one issuer');
  const seen = new Set<string>();
  return (entries ?? []).map((entry, index) => {
    const parts = vars.within(entry, (part) => `ISSUERS[${index}].${part}`);
    if (entry.issuer === '') parts.fail('issuer', 'a value');
    if (seen.has(entry.issuer)) parts.fail('issuer', 'each issuer once', entry.issuer);
    seen.add(entry.issuer);
    return readIssuer(parts);
  });
};
