// How identity providers write `iss`: one letter off, and every token is refused.
import type { Config, Issuer } from '../../src/config/types.ts';
import { error, type Finding, warning } from './finding.ts';

interface Provider {
  readonly name: string;
  readonly host: RegExp;
  /** Whether the path of its issuers ends with a slash; undefined: either is found. */
  readonly endsWithSlash?: boolean;
  /** What the path of its issuers looks like, its slash at the end left out. */
  readonly path?: RegExp;
  /** An issuer of it. */
  readonly example: string;
}

/** From the providers' own documentation of their tokens. */
const PROVIDERS: readonly Provider[] = [
  {
    name: 'Auth0',
    host: /\.auth0\.com$/,
    endsWithSlash: true,
    path: /^$/,
    example: 'https://acme.eu.auth0.com/',
  },
  {
    name: 'Google',
    host: /^accounts\.google\.com$/,
    endsWithSlash: false,
    path: /^$/,
    example: 'https://accounts.google.com',
  },
  {
    name: 'Firebase',
    host: /^securetoken\.google\.com$/,
    endsWithSlash: false,
    path: /^\/[\w-]+$/,
    example: 'https://securetoken.google.com/my-project',
  },
  {
    name: 'Cognito',
    host: /^cognito-idp\.[\w-]+\.amazonaws\.com(\.cn)?$/,
    endsWithSlash: false,
    path: /^\/[\w-]+_\w+$/,
    example: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeFgHi',
  },
  {
    name: 'Okta',
    host: /\.(okta|oktapreview|okta-emea)\.com$/,
    endsWithSlash: false,
    path: /^(\/oauth2\/\w+)?$/,
    example: 'https://acme.okta.com/oauth2/default',
  },
  {
    name: 'Entra ID (v2.0)',
    host: /^login\.microsoftonline\.(com|us)$/,
    endsWithSlash: false,
    path: /^\/(?!(common|organizations|consumers)\/)[\w{}.-]+\/v2\.0$/,
    example: 'https://login.microsoftonline.com/<tenant id>/v2.0',
  },
  {
    name: 'Entra ID (v1.0)',
    host: /^sts\.windows\.net$/,
    endsWithSlash: true,
    path: /^\/[\w{}.-]+$/,
    example: 'https://sts.windows.net/<tenant id>/',
  },
  {
    name: 'Clerk',
    host: /\.clerk\.accounts\.dev$/,
    endsWithSlash: false,
    path: /^$/,
    example: 'https://acme-1.clerk.accounts.dev',
  },
  {
    name: 'Supabase',
    host: /\.supabase\.co$/,
    endsWithSlash: false,
    path: /^\/auth\/v1$/,
    example: 'https://abcdefgh.supabase.co/auth/v1',
  },
  {
    name: 'Cloudflare Access',
    host: /\.cloudflareaccess\.com$/,
    endsWithSlash: false,
    path: /^$/,
    example: 'https://acme.cloudflareaccess.com',
  },
  {
    name: 'GitHub Actions',
    host: /^token\.actions\.githubusercontent\.com$/,
    endsWithSlash: false,
    example: 'https://token.actions.githubusercontent.com',
  },
];

/** Endpoints of providers, which are not their issuer. */
const ENDPOINT =
  /\/(\.well-known\/.*|(oauth2\/v\d(\.\d)?\/|oauth\/|v\d\/)?authorize|oauth\/token|userinfo|protocol\/openid-connect\/.*|jwks(\.json)?|certs)\/?$/;

/** @param nameOf the var of an issuer's part, such as `JWT_ISSUER`. */
export const issuerFindings = (
  { tokens }: Config,
  nameOf: (index: number, part: 'issuer' | 'jwks_url') => string,
): readonly Finding[] =>
  tokens.issuers.flatMap((issuer, index) => [
    ...spellingFindings(issuer, nameOf(index, 'issuer')),
    ...keySetFindings(issuer, nameOf(index, 'jwks_url')),
  ]);

const spellingFindings = ({ issuer }: Issuer, variable: string): readonly Finding[] => {
  const url = issuer === undefined ? null : URL.parse(issuer);
  if (url === null || issuer === undefined) return [];
  const endpoint = ENDPOINT.exec(issuer.replace(/[?#].*$/, ''))?.[0];
  if (endpoint !== undefined)
    return [
      error(
        'issuer-spelling',
        `${variable} is the address of an endpoint, \`${endpoint}\`, and no token has that as its \`iss\`.`,
        `Write \`${variable} = "${respelt(issuer.slice(0, issuer.indexOf(endpoint)))}"\`, exactly as \`iss\` stands in a token.`,
      ),
    ];
  const provider = providerOf(url);
  if (provider === undefined || fits(provider, issuer, url)) return [];
  return [
    error(
      'issuer-spelling',
      `${provider.name} does not write its issuer as \`${issuer}\`, so every token would be refused.`,
      `Write \`${variable} = "${respelt(issuer)}"\`; an issuer of ${provider.name} looks like ${provider.example}.`,
    ),
  ];
};

const providerOf = ({ hostname }: URL): Provider | undefined =>
  PROVIDERS.find(({ host }) => host.test(hostname));

const fits = ({ endsWithSlash, path }: Provider, issuer: string, { pathname }: URL): boolean =>
  (endsWithSlash === undefined || issuer.endsWith('/') === endsWithSlash) &&
  path?.test(pathname.replace(/\/$/, '')) !== false;

/** What to write in place of the metadata's address, and of Entra's name for every tenant. */
export const issuerFix = (issuer: string): string | undefined => {
  const [, base] = /^(.*?)\/\.well-known(?:\/|$)/.exec(issuer) ?? [];
  if (base !== undefined) return `Write \`"${respelt(base)}"\`, exactly as \`iss\` stands in a token.`;
  const [, tenants] =
    /^https:\/\/login\.microsoftonline\.\w+\/(common|organizations|consumers)\//.exec(issuer) ?? [];
  return tenants === undefined
    ? undefined
    : `Write your tenant's id in place of \`${tenants}\`, as in https://login.microsoftonline.com/<tenant id>/v2.0; or ` +
        '`{tid}` for every tenant, and those that you trust in REQUIRED_CLAIMS.';
};

/** With or without its slash, as the provider writes it; other faults of it show in the example. */
const respelt = (issuer: string): string => {
  const url = URL.parse(issuer);
  const provider = url === null ? undefined : providerOf(url);
  const bare = issuer.replace(/\/$/, '');
  if (url === null || provider === undefined) return bare;
  if (provider.path?.test(url.pathname.replace(/\/$/, '')) === false) return provider.example;
  return provider.endsWithSlash === true ? `${bare}/` : bare;
};

const keySetFindings = ({ keys }: Issuer, variable: string): readonly Finding[] =>
  keys
    .filter(
      (source) =>
        source.kind === 'jwks' &&
        /\/\.well-known\/(openid-configuration|oauth-authorization-server)/.test(source.url),
    )
    .map(() =>
      error(
        'key-set-url',
        `${variable} is the address of the issuer's metadata, not of its key set.`,
        `Write the \`jwks_uri\` that stands in it, or remove ${variable}: Weir reads the metadata itself.`,
      ),
    );

/** Tokens that were made for another service. */
export const audienceFindings = ({ tokens }: Config, variable: string): readonly Finding[] =>
  tokens.issuers
    .filter(({ audience }) => audience.length === 0)
    .map(({ issuer = 'any issuer' }) =>
      warning(
        'no-audience',
        `A token that ${issuer} made for another service is accepted.`,
        `Set ${variable} to the name of this API.`,
      ),
    );
