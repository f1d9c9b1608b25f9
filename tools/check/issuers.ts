// How identity providers write `iss`: one letter off, and every token is refused.
import type { Config, Issuer } from '../../src/config/types.ts';
import { blankIn, isLoopback, isUnreachable } from './addresses.ts';
import { error, type Finding, warning } from './finding.ts';

interface Provider {
  readonly name: string;
  readonly host: RegExp;
  /** Whether the path of its issuers ends with a slash; undefined: both occur. */
  readonly endsWithSlash?: boolean;
  /** What the path of its issuers looks like, without a slash at the end. */
  readonly path?: RegExp;
  /** Where the path of an issuer says what its host must be. */
  readonly isOwnHost?: (issuer: URL) => boolean;
  /** One of its issuers. */
  readonly example: string;
}

/** Of a host that is the provider's, but no issuer's. */
const NEVER = /(?!)/;

/** From the providers' own documentation of their tokens; of two that fit a host, the first. */
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
    path: /^\/([\w-]+)_\w+$/,
    isOwnHost: ({ hostname, pathname }) => hostname.includes(`.${pathname.slice(1).split('_')[0]}.`),
    example: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeFgHi',
  },
  {
    name: 'Firebase',
    host: /\.(firebaseapp\.com|web\.app|firebaseio\.com)$/,
    path: NEVER,
    example: 'https://securetoken.google.com/my-project',
  },
  {
    name: 'Cognito',
    host: /\.amazoncognito\.com$/,
    path: NEVER,
    example: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeFgHi',
  },
  {
    name: 'Okta',
    host: /-admin\.(okta|oktapreview|okta-emea)\.com$/,
    path: NEVER,
    example: 'https://acme.okta.com/oauth2/default',
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
    path: /^\/([\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|\{\w+\})\/v2\.0$/,
    example: 'https://login.microsoftonline.com/<tenant id>/v2.0',
  },
  {
    name: 'Azure AD B2C',
    host: /\.b2clogin\.com$/,
    endsWithSlash: true,
    path: /^(\/tfp)?\/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(\/[\w-]+)?\/v2\.0$/,
    example: 'https://acme.b2clogin.com/<tenant id>/v2.0/',
  },
  {
    name: 'Entra External ID',
    host: /\.ciamlogin\.com$/,
    endsWithSlash: false,
    path: /^\/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\/v2\.0$/,
    example: 'https://<tenant id>.ciamlogin.com/<tenant id>/v2.0',
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
    ...reachFindings(issuer, (part) => nameOf(index, part)),
  ]);

/** Keys are fetched by the edge, which sees no private network. */
const reachFindings = (
  { keys }: Issuer,
  nameOf: (part: 'issuer' | 'jwks_url') => string,
): readonly Finding[] =>
  keys.flatMap((source) => {
    const text = source.kind === 'jwks' ? source.url : source.kind === 'discovery' ? source.issuer : '';
    const url = URL.parse(text);
    if (url === null || !isUnreachable(url) || blankIn(text) !== undefined) return [];
    return [
      (isLoopback(url) ? warning : error)(
        'local-address',
        `${nameOf(source.kind === 'jwks' ? 'jwks_url' : 'issuer')} is ${text}, from which Cloudflare's edge cannot fetch keys.`,
        'Keep it in `.dev.vars` for `wrangler dev`; for the deployed Worker write a public URL, or the keys themselves into JWT_PUBLIC_KEY.',
      ),
    ];
  });

const spellingFindings = ({ issuer }: Issuer, variable: string): readonly Finding[] => {
  const url = issuer === undefined ? null : URL.parse(issuer);
  if (url === null || issuer === undefined) return [];
  if (/^https?:(?!\/\/[^/])/.test(issuer))
    return [
      error(
        'issuer-spelling',
        `${variable} is \`${issuer}\`, and no token has that as its \`iss\`.`,
        `Write \`${variable} = "${respelt(issuer.replace(/^(https?):\/*/, '$1://'))}"\`, exactly as \`iss\` stands in a token.`,
      ),
    ];
  const endpoint = ENDPOINT.exec(issuer.replace(/[?#].*$/, ''))?.[0];
  if (endpoint !== undefined)
    return [
      error(
        'issuer-spelling',
        `${variable} is the address of an endpoint, \`${endpoint}\`, and no token has that as its \`iss\`.`,
        `Write \`${variable} = "${respelt(issuer.slice(0, issuer.indexOf(endpoint)))}"\`, exactly as \`iss\` stands in a token.`,
      ),
    ];
  const blank = blankIn(issuer);
  if (blank !== undefined)
    return [
      error(
        'issuer-spelling',
        `${variable} still has \`${blank}\` in it, where a name of yours belongs.`,
        `Write \`${variable}\` exactly as \`iss\` stands in a token.`,
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

const providerOf = ({ hostname, pathname }: URL): Provider | undefined =>
  PROVIDERS.find(({ host }) => host.test(hostname)) ??
  (/\/(realms|admin\/[^/]+\/console)(\/|$)/.test(pathname) ? KEYCLOAK : undefined);

/** At whatever host. */
const KEYCLOAK: Provider = {
  name: 'Keycloak',
  host: NEVER,
  endsWithSlash: false,
  path: /^(\/(?!admin\/)[\w-]+)*\/realms\/[^/]+$/,
  example: 'https://id.example.com/realms/main',
};

const fits = ({ endsWithSlash, path, isOwnHost }: Provider, issuer: string, url: URL): boolean =>
  (endsWithSlash === undefined || issuer.endsWith('/') === endsWithSlash) &&
  path?.test(pathOf(url)) !== false &&
  isOwnHost?.(url) !== false;

/** As it is written: the braces of `{tid}` stand as escapes in a URL. */
const pathOf = ({ pathname }: URL): string =>
  pathname.replace(/\/$/, '').replaceAll('%7B', '{').replaceAll('%7D', '}');

/** What to write in place of the metadata's address, and of Entra's name for every tenant. */
export const issuerFix = (issuer: string): string | undefined => {
  const [, base] = /^(.*?)\/\.well-known(?:\/|$)/.exec(issuer) ?? [];
  if (base !== undefined) return `Write \`"${respelt(base)}"\`, exactly as \`iss\` stands in a token.`;
  const [, region, pool] = /^arn:aws[\w-]*:cognito-idp:([\w-]+):\d*:userpool\/([\w-]+)$/.exec(issuer) ?? [];
  if (pool !== undefined)
    return `Write \`"https://cognito-idp.${region}.amazonaws.com/${pool}"\`, exactly as \`iss\` stands in a token.`;
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
  if (provider.isOwnHost?.(url) === false)
    return `https://cognito-idp.${pathOf(url).slice(1).split('_')[0]}.amazonaws.com${pathOf(url)}`;
  if (provider.path?.test(pathOf(url)) === false) return provider.example;
  return provider.endsWithSlash === true ? `${bare}/` : bare;
};

const keySetFindings = ({ keys }: Issuer, variable: string): readonly Finding[] =>
  keys
    .flatMap((source) => (source.kind === 'jwks' ? noKeySet(source.url) : []))
    .map((what) =>
      error(
        'key-set-url',
        `${variable} is ${what}, not of its key set.`,
        `Write the \`jwks_uri\` that stands in the metadata, or remove ${variable}: Weir reads the metadata itself.`,
      ),
    );

const noKeySet = (url: string): readonly string[] => {
  if (/\/\.well-known\/(openid-configuration|oauth-authorization-server)/.test(url))
    return ["the address of the issuer's metadata"];
  const { pathname } = new URL(url);
  if (pathname === '/') return ["the address of the issuer's host"];
  return /\/(authorize|token|userinfo)\/?$/.test(pathname)
    ? ['the address of another endpoint of the issuer']
    : [];
};
