// docs/providers.md, block by block: a stand-in for each provider with keys and tokens of its shape, and the vars of the page.
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JWTPayload, SignJWT } from 'jose';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWorker } from '../../tools/build.ts';
import { type Runtime, startRuntime } from '../../tools/runtime.ts';
import { certificateOf } from '../fixtures/certificate.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/providers.md'), 'utf8');

/** The vars of each block, by its name. */
const recipes = new Map(
  [...page.matchAll(/```toml ([\w-]+)\n(.*?)```/gs)].map(([, name = '', toml = '']) => [
    name,
    parse(toml).vars as Record<string, unknown>,
  ]),
);

interface Key {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsaKey = (kid?: string): Key => ({
  kid,
  alg: 'RS256',
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }),
});
const [one, other] = [rsaKey('one'), rsaKey('other')];
const ec: Key = { kid: 'ec', alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
const SUPABASE_SECRET = 'a legacy secret of the project, in text';
const secretKey = createSecretKey(Buffer.from(SUPABASE_SECRET));

const jwkOf = ({ kid, alg, publicKey }: Key, members: object = {}) => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
  ...members,
});

interface Token {
  readonly claims: JWTPayload | Record<string, unknown>;
  /** Default: the first key. */
  readonly key?: Key;
  readonly header?: Record<string, unknown>;
  /** Where it stands; default: `Authorization`. */
  readonly as?: (token: string) => Record<string, string>;
  /** Whose quota it spends, where it passes; issuer: default its `iss`. */
  readonly subject?: string;
  readonly issuer?: string;
}

interface Provider {
  /** Documents that it publishes, by URL. */
  readonly documents?: Record<string, unknown>;
  readonly secrets?: Record<string, string>;
  readonly good: readonly Token[];
  /** Tokens of the same provider that are for somebody else. */
  readonly strangers: readonly Token[];
}

const keySet = { keys: [jwkOf(one), jwkOf(other)] };

/** Metadata and keys where OpenID Connect Discovery says. */
const discovered = (issuer: string, keys: object = keySet, named = issuer) => {
  const base = issuer.replace(/\/$/, '');
  const jwks = `${base}/keys`;
  return {
    [`${base}/.well-known/openid-configuration`]: { issuer: named, jwks_uri: jwks },
    [jwks]: keys,
  };
};

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const STRANGE_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';
const API = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
const entra = (tenant: string, claims: object = {}) => ({
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  aud: API,
  tid: tenant,
  oid: 'person-of-the-tenant',
  sub: 'pairwise',
  ver: '2.0',
  ...claims,
});
const OTHER_API = '00000003-0000-0000-c000-000000000000';

const auth0 = {
  iss: 'https://acme.eu.auth0.com/',
  aud: ['https://api.example.com', 'https://acme.eu.auth0.com/userinfo'],
  sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
  azp: 'my-client-id',
  permissions: ['read:things'],
};
const okta = {
  iss: 'https://acme.okta.com/oauth2/default',
  aud: 'api://default',
  sub: 'alice@example.com',
  uid: '00u1',
  cid: '0oa1',
  scp: ['read'],
};
const entraV1 = {
  iss: `https://sts.windows.net/${TENANT}/`,
  aud: `api://${API}`,
  tid: TENANT,
  oid: 'person-of-the-tenant',
  sub: 'pairwise',
  ver: '1.0',
  appid: 'app',
};
const cognito = {
  iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeFgHi',
  client_id: '1example23456789',
  token_use: 'access',
  sub: 'aaaaaaaa-bbbb',
  scope: 'openid',
  'cognito:groups': ['staff', 'pro'],
};
const google = {
  iss: 'https://accounts.google.com',
  azp: '407408718192.apps.googleusercontent.com',
  aud: '407408718192.apps.googleusercontent.com',
  sub: '110169484474386276334',
};
const firebase = {
  iss: 'https://securetoken.google.com/my-project',
  aud: 'my-project',
  sub: 'Xyz',
  firebase: { sign_in_provider: 'password' },
};
const keycloak = {
  iss: 'https://id.example.com/realms/acme',
  aud: 'account',
  azp: 'web',
  typ: 'Bearer',
  sub: 'f:1',
  realm_access: { roles: ['user'] },
};
const supabase = {
  iss: 'https://abcdefgh.supabase.co/auth/v1',
  aud: 'authenticated',
  role: 'authenticated',
  sub: 'a-uuid',
};
const clerk = {
  iss: 'https://clerk.example.com',
  azp: 'https://app.example.com',
  sub: 'user_1',
  sid: 'sess_1',
};
const access = {
  iss: 'https://acme.cloudflareaccess.com',
  aud: ['4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2'],
  sub: 'person',
  type: 'app',
};
const inAccessHeader = (token: string) => ({ 'Cf-Access-Jwt-Assertion': token });
const actions = {
  iss: 'https://token.actions.githubusercontent.com',
  aud: 'https://api.example.com',
  sub: `repo:acme/api:ref:refs/heads/${'long-branch-'.repeat(40)}`,
  repository: 'acme/api',
  repository_owner: 'acme',
};
const kubernetes = {
  iss: 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE',
  aud: ['https://api.example.com'],
  sub: 'system:serviceaccount:prod:web',
  'kubernetes.io': { namespace: 'prod', serviceaccount: { name: 'web' } },
};
const adfs = {
  iss: 'http://adfs.example.com/adfs/services/trust',
  aud: `microsoft:identityserver:${API}`,
  upn: 'alice@example.com',
  appid: 'app',
};
const zitadel = {
  iss: 'https://acme.zitadel.cloud',
  aud: ['233895832598798337', '233895832598798338@acme'],
  sub: '233895832598798999',
};
const ory = {
  iss: 'https://acme.projects.oryapis.com',
  aud: ['https://api.example.com'],
  client_id: 'web',
  sub: 'alice',
  scp: ['read'],
  ext: { plan: 'pro' },
};

const providers: Readonly<Record<string, Provider>> = {
  auth0: {
    documents: discovered(auth0.iss),
    good: [{ claims: auth0, subject: auth0.sub }],
    strangers: [{ claims: { ...auth0, aud: 'https://other.example.com' } }],
  },
  okta: {
    documents: discovered(okta.iss),
    good: [
      { claims: okta, subject: '00u1' },
      { claims: { ...okta, uid: undefined, sub: '0oa1' }, subject: '0oa1' },
    ],
    strangers: [
      { claims: { ...okta, aud: 'api://other' } },
      { claims: { ...okta, iss: 'https://acme.okta.com' } },
    ],
  },
  'entra-v2': {
    documents: discovered(`https://login.microsoftonline.com/${TENANT}/v2.0`),
    good: [{ claims: entra(TENANT), header: { alg: 'RS256', typ: 'JWT' }, subject: 'person-of-the-tenant' }],
    strangers: [{ claims: entra(TENANT, { aud: OTHER_API }) }, { claims: entra(STRANGE_TENANT) }],
  },
  'entra-v1': {
    documents: { [`https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`]: keySet },
    good: [{ claims: entraV1, subject: 'person-of-the-tenant' }],
    strangers: [{ claims: { ...entraV1, aud: `api://${OTHER_API}` } }],
  },
  'entra-multi': {
    documents: discovered(
      'https://login.microsoftonline.com/common/v2.0',
      {
        keys: [
          jwkOf(one, { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }),
          jwkOf(other, { issuer: `https://login.microsoftonline.com/${STRANGE_TENANT}/v2.0` }),
        ],
      },
      'https://login.microsoftonline.com/{tenantid}/v2.0',
    ),
    good: [
      { claims: entra(TENANT), subject: 'person-of-the-tenant' },
      { claims: entra('1b4e28ba-2fa1-11d2-883f-0016d3cca427'), subject: 'person-of-the-tenant' },
    ],
    strangers: [
      { claims: entra(STRANGE_TENANT) },
      { claims: entra(STRANGE_TENANT), key: other },
      // A key of one tenant signs for no other.
      { claims: entra(TENANT), key: other },
      { claims: entra(TENANT, { iss: entra(STRANGE_TENANT).iss }) },
      { claims: entra(TENANT, { aud: OTHER_API }) },
    ],
  },
  cognito: {
    documents: discovered(cognito.iss),
    good: [{ claims: cognito, subject: cognito.sub }],
    strangers: [
      { claims: { ...cognito, client_id: 'another-app' } },
      { claims: { ...cognito, client_id: undefined, aud: '1example23456789', token_use: 'id' } },
    ],
  },
  google: {
    documents: discovered(google.iss),
    good: [
      { claims: google, subject: google.sub },
      { claims: { ...google, iss: 'accounts.google.com' }, subject: google.sub, issuer: google.iss },
    ],
    strangers: [{ claims: { ...google, aud: 'another.apps.googleusercontent.com' } }],
  },
  firebase: {
    documents: {
      ...discovered(firebase.iss),
      'https://www.googleapis.com/identitytoolkit/v3/relyingparty/publicKeys': {
        other: certificateOf(other.publicKey),
      },
    },
    good: [
      { claims: firebase, subject: 'Xyz' },
      {
        claims: { ...firebase, iss: 'https://session.firebase.google.com/my-project' },
        key: other,
        subject: 'Xyz',
      },
    ],
    strangers: [
      { claims: { ...firebase, aud: 'other-project' } },
      { claims: { ...firebase, iss: 'https://securetoken.google.com/other-project', aud: 'other-project' } },
      { claims: { ...firebase, iss: 'https://session.firebase.google.com/my-project' }, key: one },
    ],
  },
  keycloak: {
    documents: discovered(keycloak.iss),
    good: [{ claims: keycloak, subject: 'f:1' }],
    strangers: [{ claims: { ...keycloak, azp: 'admin-cli' } }, { claims: { ...keycloak, typ: 'ID' } }],
  },
  supabase: {
    documents: { 'https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json': { keys: [jwkOf(ec)] } },
    secrets: { JWT_SECRET: SUPABASE_SECRET },
    good: [
      { claims: supabase, key: ec, subject: 'a-uuid' },
      {
        claims: supabase,
        key: { kid: undefined, alg: 'HS256', privateKey: secretKey, publicKey: secretKey },
        subject: 'a-uuid',
      },
    ],
    strangers: [
      { claims: { ...supabase, role: 'anon' }, key: ec },
      { claims: { ...supabase, aud: 'other' }, key: ec },
    ],
  },
  clerk: {
    documents: discovered(clerk.iss),
    good: [
      { claims: clerk, subject: 'user_1' },
      { claims: clerk, as: (token) => ({ Cookie: `__client_uat=1; __session=${token}` }), subject: 'user_1' },
    ],
    strangers: [
      { claims: { ...clerk, azp: 'https://evil.example.com' } },
      {
        claims: clerk,
        as: (token) => ({ Cookie: `__session=${token}`, Origin: 'https://evil.example.com' }),
      },
    ],
  },
  'cloudflare-access': {
    documents: { 'https://acme.cloudflareaccess.com/cdn-cgi/access/certs': keySet },
    good: [
      { claims: access, as: inAccessHeader, subject: 'person' },
      {
        claims: { ...access, sub: '', common_name: 'cron.access' },
        as: inAccessHeader,
        subject: 'cron.access',
      },
    ],
    strangers: [
      { claims: { ...access, aud: ['another-application'] }, as: inAccessHeader },
      { claims: access },
    ],
  },
  'github-actions': {
    documents: discovered(actions.iss),
    good: [{ claims: actions, subject: 'acme/api' }],
    strangers: [{ claims: { ...actions, repository: 'evil/api', repository_owner: 'evil' } }],
  },
  kubernetes: {
    documents: discovered(kubernetes.iss),
    good: [{ claims: kubernetes, subject: kubernetes.sub }],
    strangers: [
      { claims: { ...kubernetes, 'kubernetes.io': { namespace: 'default' } } },
      { claims: { ...kubernetes, aud: ['https://kubernetes.default.svc'] } },
    ],
  },
  adfs: {
    documents: { 'https://adfs.example.com/adfs/discovery/keys': keySet },
    good: [
      { claims: adfs, subject: 'alice@example.com' },
      { claims: { ...adfs, upn: undefined }, subject: 'app' },
    ],
    strangers: [{ claims: { ...adfs, aud: 'microsoft:identityserver:another' } }],
  },
  zitadel: {
    documents: discovered(zitadel.iss),
    good: [{ claims: zitadel, subject: zitadel.sub }],
    strangers: [{ claims: { ...zitadel, aud: ['111111111111111111'] } }],
  },
  ory: {
    documents: discovered(ory.iss),
    good: [{ claims: ory, subject: 'alice' }],
    strangers: [{ claims: { ...ory, client_id: 'another' } }, { claims: { ...ory, aud: [] } }],
  },
};

const ADMIN_TOKEN = 'the-token-of-whoever-looks-after-this-API';

/** One runtime for all: for each provider a Weir of its own, with nothing but the page's vars, and the internet as it sees it. */
let origin: Origin;
let runtime: Runtime;
beforeAll(async () => {
  origin = await startOrigin();
  const { script, options } = await readWorker();
  const weirs = Object.entries(providers).map(([name, { secrets }]) => ({
    ...options,
    name,
    modules: [{ type: 'ESModule' as const, path: 'index.js', contents: script }],
    bindings: { ...recipes.get(name), ...secrets, ADMIN_TOKEN } as never,
    durableObjects: { LIMITER: { className: 'Limiter', useSQLite: true } },
    serviceBindings: { ORIGIN: { external: { address: new URL(origin.url).host, http: {} } } },
    outboundService: 'internet',
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }));
  runtime = await startRuntime({ workers: [internet, ...weirs] });
});
afterAll(async () => {
  await Promise.all([runtime.close(), origin.close()]);
});

const documents = Object.assign({}, ...Object.values(providers).map((provider) => provider.documents ?? {}));

/** Everybody's hosts: what a Weir fetches is answered from the providers' documents. */
const internet = {
  name: 'internet',
  modules: true,
  script: `export default { fetch: ({ url }, { DOCUMENTS }) =>
    url in DOCUMENTS ? Response.json(DOCUMENTS[url]) : new Response('nothing here', { status: 404 }) };`,
  compatibilityDate: '2026-10-20',
  bindings: { DOCUMENTS: documents },
};

const signed = ({ claims, key = one, header }: Token): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iat: now, exp: now + 600, ...claims })
    .setProtectedHeader({ alg: key.alg, ...(key.kid && { kid: key.kid }), ...header })
    .sign(key.privateKey);
};

const headersOf = async (token: Token): Promise<Record<string, string>> => {
  const text = await signed(token);
  return token.as?.(text) ?? { Authorization: `Bearer ${text}` };
};

test('the page has a block for each provider, and no other', () => {
  expect([...recipes.keys()].toSorted()).toEqual(Object.keys(providers).toSorted());
});

describe.each(Object.entries(providers))('with the vars of the page for %s', (name, { good, strangers }) => {
  const ask = async (path: string, headers: Record<string, string>) =>
    fetch(`${(await runtime.miniflare.unsafeGetDirectURL(name)).origin}${path}`, { headers });

  test('its tokens for this API pass, as whom they should', async () => {
    for (const token of good) {
      const response = await ask('/', await headersOf(token));
      expect(response.status, JSON.stringify(token.claims)).toBe(200);
      const { subject = '', issuer = String(token.claims.iss) } = token;
      const query = new URLSearchParams({ subject, issuer });
      const seen = await ask(`/.weir/subjects?${query}`, { Authorization: `Bearer ${ADMIN_TOKEN}` });
      expect(await seen.json()).toMatchObject({ subject, firstSeen: expect.any(String) });
    }
  });

  test('its tokens for others do not', async () => {
    for (const token of strangers)
      expect((await ask('/', await headersOf(token))).status, JSON.stringify(token.claims)).toBe(401);
  });
});
