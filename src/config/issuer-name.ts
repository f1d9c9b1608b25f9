// How an issuer names itself in `iss`: its spellings, and what people often write instead.
import type { Vars } from './vars.ts';

/** The issuer's name and its other spellings; empty where `iss` is not checked. */
export const readSpellings = (vars: Vars): readonly string[] => {
  const value = vars.raw('issuer');
  const spellings = isTexts(value) ? value : [vars.text('issuer')].filter((text) => text !== undefined);
  if (isTexts(value) && value.length === 0) vars.fail('issuer', 'a value');
  for (const spelling of spellings) checkSpelling(vars, spelling);
  const templates = spellings.filter(isTemplate);
  if (templates.length > 0 && templates.length < spellings.length)
    vars.fail('issuer', '`{tid}` in every spelling, or in none');
  return spellings;
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const PLACEHOLDER = /\{(?:tid|tenantid)\}/g;

/** Whether the name has a placeholder for the token's tenant. */
export const isTemplate = (issuer: string): boolean => issuer.search(PLACEHOLDER) >= 0;

/** @param tenant put in place of `{tid}`. */
export const ofTenant = (issuer: string, tenant: string): string => issuer.replace(PLACEHOLDER, () => tenant);

/** Entra's endpoints for every tenant: tokens name the tenant in their place. */
const SHARED =
  /^(https:\/\/(?:login\.[a-z.]*microsoftonline\.[a-z]+|sts\.windows\.net)\/)(common|organizations|consumers)(?=\/|$)/;

const checkSpelling = (vars: Vars, spelling: string): void => {
  const [, metadataOf] = /^(.*?)\/\.well-known(?:\/|$)/.exec(spelling) ?? [];
  const [, host, shared] = SHARED.exec(spelling) ?? [];
  const [, placeholder] = /[{<]([^}>]*)[}>]/.exec(spelling.replace(PLACEHOLDER, '')) ?? [];
  if (spelling === '') vars.fail('issuer', 'a value');
  else if (/[\s,]+https?:/.test(spelling))
    vars.fail('issuer', 'one issuer, since several stand in `ISSUERS`', spelling);
  else if (metadataOf !== undefined)
    vars.fail(
      'issuer',
      `the issuer itself, \`${metadataOf}\` or \`${metadataOf}/\`, not the URL of its metadata`,
      spelling,
    );
  else if (shared !== undefined)
    vars.fail(
      'issuer',
      `\`${spelling.replace(SHARED, `${host}{tid}`)}\`, since no token names \`${shared}\` as its tenant`,
      spelling,
    );
  else if (placeholder !== undefined) vars.fail('issuer', 'no placeholder but `{tid}`', spelling);
};
