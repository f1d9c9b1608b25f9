// For whom tokens are made: those for another service, or by somebody else, and audiences that no token names.
import { isTemplate } from '../../src/config/issuer-name.ts';
import type { Config, Issuer } from '../../src/config/types.ts';
import { blankIn } from './addresses.ts';
import { error, type Finding, warning } from './finding.ts';

/** @param variable the var, or the key of an entry of ISSUERS. */
export const audienceFindings = ({ tokens }: Config, variable: string): readonly Finding[] =>
  tokens.issuers.flatMap((issuer) => [
    ...(issuer.issuer === undefined && issuer.keys.some(({ kind }) => kind !== 'secret') ? [ANY_ISSUER] : []),
    ...(isTemplate(issuer.issuer ?? '') && !names(issuer, ['tid', 'tenantid']) ? [anyTenant(issuer)] : []),
    ...(issuer.audience.length === 0 && !names(issuer, CLIENT_CLAIMS) ? [noAudience(issuer, variable)] : []),
    ...spellingFindings(issuer, variable.replaceAll('`', '')),
  ]);

/** Claims that tell for whom a token was made, where there is no `aud` or the caller chooses it. */
const CLIENT_CLAIMS = ['aud', 'client_id', 'cid', 'azp', 'appid', 'repository', 'repository_owner'];

const names = ({ claims }: Issuer, wanted: readonly string[]): boolean =>
  claims.some(({ claim }) => wanted.includes(claim.join('.')));

/** Of public keys: whoever holds the secret of an issuer is that issuer. */
const ANY_ISSUER = warning(
  'any-issuer',
  'No JWT_ISSUER is set, so whatever the keys signed is accepted, whoever it names as its issuer.',
  'Set JWT_ISSUER to the `iss` of your tokens; several issuers often share one key set.',
);

const anyTenant = ({ issuer }: Issuer): Finding =>
  warning(
    'any-tenant',
    `Tokens of every tenant of ${issuer} are accepted, and anybody can have one.`,
    'Name the tenants that you trust: `REQUIRED_CLAIMS = { tid = ["<tenant id>"] }`.',
  );

const COGNITO = /^https:\/\/cognito-idp\./;

const noAudience = ({ issuer = 'any issuer' }: Issuer, variable: string): Finding =>
  warning(
    'no-audience',
    `A token that ${issuer} made for another service is accepted.`,
    COGNITO.test(issuer)
      ? 'Access tokens of Cognito have no `aud`: name the client, `REQUIRED_CLAIMS = { client_id = "<client id>" }`.'
      : `Set ${variable} to the name of this API; where tokens have no \`aud\`, REQUIRED_CLAIMS to their client.`,
  );

/** What no token of the issuer names in its `aud`, and what to write instead. */
const spellingFindings = (issuer: Issuer, variable: string): readonly Finding[] => {
  for (const trap of TRAPS) {
    const found = trap(issuer, variable);
    if (found !== undefined) return [error('audience-spelling', `${variable} ${found.what}.`, found.instead)];
  }
  return [];
};

type Trap = (
  issuer: Issuer,
  variable: string,
) => { readonly what: string; readonly instead: string } | undefined;

const quoted = (list: readonly string[]): string => `\`${list.join(', ')}\``;

/** `*` is a value like any other, and no token has it. */
const wildcard: Trap = ({ audience }, variable) =>
  audience.some((each) => /^(\*|any|all|none|null|undefined)$/i.test(each))
    ? {
        what: `is ${quoted(audience)}, which stands for itself and for nothing else`,
        instead: `Write the name of this API, as \`aud\` has it: \`${variable} = "https://api.example.com"\`.`,
      }
    : undefined;

/** `a; b`, `a b`, `["a", "b"]` in one string. */
const joined: Trap = ({ audience }, variable) => {
  if (!audience.some((each) => /[\s;"'[\]]/.test(each))) return undefined;
  const parts = audience.flatMap((each) => each.split(/[\s;"'[\]]+/)).filter((part) => part !== '');
  return {
    what: `is ${quoted(audience)}, where a comma stands between audiences and nothing around them`,
    instead: `Write \`${variable} = "${parts.join(', ')}"\`.`,
  };
};

const blank: Trap = ({ audience }, variable) => {
  const found = blankIn(audience.join(' '));
  return found === undefined
    ? undefined
    : {
        what: `still has \`${found}\` in it, where a name of yours belongs`,
        instead: `Write \`${variable}\` exactly as \`aud\` stands in a token.`,
      };
};

const GRAPH = /^(00000003-0000-0000-c000-000000000000|https:\/\/graph\.microsoft\.com\/?)$/;

/** Tokens for the provider's own APIs, which none but these may read. */
const ofProvider: Trap = ({ issuer = '', audience }, variable) => {
  const isOfProvider = (each: string) =>
    GRAPH.test(each) ||
    (each.startsWith(issuer) && /^(userinfo|api\/v2\/?)$/.test(each.slice(issuer.length))) ||
    (each === issuer && /^https:\/\/[\w.-]+\.(okta|oktapreview|okta-emea)\.com$/.test(issuer));
  return audience.length > 0 && audience.every(isOfProvider)
    ? {
        what: `is ${quoted(audience)}, an API of the provider's own: its tokens are for nobody else`,
        instead: `Register this API there, ask for tokens of its name, and write that: \`${variable} = "https://api.example.com"\`.`,
      }
    : undefined;
};

/** Entra's v2.0 tokens name the client id of the API, whatever its URI is. */
const entra: Trap = ({ issuer = '', audience }, variable) =>
  /^https:\/\/login\.microsoftonline\.\w+\/.*\/v2\.0$/.test(issuer) &&
  audience.length > 0 &&
  audience.every((each) => each.startsWith('api://'))
    ? {
        what: `is ${quoted(audience)}, but tokens of Entra's v2.0 name the API by its client id`,
        instead: `Write \`${variable} = "${audience.map((each) => each.replace(/^api:\/\/|(?<=\w)\/.*$/g, '')).join(', ')}"\` if that is the client id, or the issuer of v1.0 tokens, \`https://sts.windows.net/<tenant id>/\`.`,
      }
    : undefined;

const firebase: Trap = ({ issuer = '', audience }, variable) => {
  const [, project] =
    /^https:\/\/(?:securetoken|session\.firebase)\.google\.com\/([\w-]+)$/.exec(issuer) ?? [];
  return project !== undefined &&
    audience.length > 0 &&
    audience.every((each) => /^[a-z\d-]+$/.test(each) && each !== project)
    ? {
        what: `is ${quoted(audience)}, but tokens of the Firebase project \`${project}\` name that`,
        instead: `Write \`${variable} = "${project}"\`.`,
      }
    : undefined;
};

const cognito: Trap = ({ issuer = '', audience, claims }, variable) =>
  COGNITO.test(issuer) &&
  audience.length > 0 &&
  claims.some(({ claim, values }) => claim.join('.') === 'token_use' && !values.includes('id'))
    ? {
        what: `is ${quoted(audience)}, but access tokens of Cognito have no \`aud\``,
        instead: `Remove ${variable} and name the client: \`REQUIRED_CLAIMS = { client_id = "${audience[0]}", token_use = "access" }\`.`,
      }
    : undefined;

/** Keycloak puts it into the tokens of every client. */
const keycloak: Trap = ({ issuer = '', audience, claims }, variable) =>
  issuer.includes('/realms/') &&
  audience.length > 0 &&
  audience.every((each) => each === 'account') &&
  claims.length === 0
    ? {
        what: 'is `account`, which Keycloak puts into the tokens of every client',
        instead: `Add an Audience mapper and write its value, \`${variable} = "my-api"\`; or name the clients: \`REQUIRED_CLAIMS = { azp = ["web"] }\`.`,
      }
    : undefined;

/** In order: of two, the first is told. */
const TRAPS: readonly Trap[] = [wildcard, joined, blank, ofProvider, entra, firebase, cognito, keycloak];
