// Bad input, whatever the keys come from: always the one 401, and nobody behind Weir ever hears of it.
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badTokens, missingTokens } from '../fixtures/bad-tokens.ts';
import { AUDIENCE, IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { rawRequest } from '../fixtures/raw-http.ts';
import { startWeir } from '../fixtures/weir.ts';

const SECRET = 'a secret of the issuer, longer than 32 bytes';

let provider: IdentityProvider;
let origin: Origin;

beforeAll(async () => {
  [provider, origin] = await Promise.all([IdentityProvider.start(), startOrigin()]);
});
afterAll(async () => {
  await Promise.all([provider.stop(), origin.close()]);
});

const pem = (jwk: object): string =>
  createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();

/** Vars of each key source, and a token that they make good. */
const sources: [name: string, vars: () => Record<string, unknown>, good: () => Promise<string>][] = [
  ['JWKS_URL', () => ({ JWKS_URL: provider.jwksUrl }), () => provider.token()],
  ['discovery', () => ({}), () => provider.token('bob', 'ES256')],
  [
    'JWT_PUBLIC_KEY as PEM',
    () => ({ JWT_PUBLIC_KEY: pem(provider.publicKeys[0] ?? {}) }),
    () => provider.token(),
  ],
  [
    'JWT_PUBLIC_KEY as JWK',
    () => ({ JWT_PUBLIC_KEY: JSON.stringify(provider.publicKeys[1]) }),
    () => provider.token('bob', 'ES256'),
  ],
  [
    'JWT_PUBLIC_KEY as JWK Set',
    () => ({ JWT_PUBLIC_KEY: JSON.stringify({ keys: provider.publicKeys }) }),
    () => provider.token(),
  ],
  ['JWT_SECRET', () => ({ JWT_SECRET: SECRET }), async () => signedWithSecret(provider.goodClaims())],
  [
    'ISSUERS',
    () => ({
      JWT_ISSUER: '',
      JWT_AUDIENCE: '',
      ISSUERS: [
        {
          issuer: 'https://other.example.test',
          audience: AUDIENCE,
          public_key: JSON.stringify(provider.publicKeys[1]),
        },
        { issuer: provider.issuer, audience: AUDIENCE, jwks_url: provider.jwksUrl },
      ],
    }),
    () => provider.token(),
  ],
];

const signedWithSecret = (claims: object): string => {
  const input = [{ alg: 'HS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
};

describe.each(sources)('with keys from %s', (_name, vars, good) => {
  test('every bad token is a 401 that nobody behind Weir hears of, and a good one passes', async () => {
    origin.clear();
    const weir = await startWeir({
      vars: {
        JWT_PUBLIC_KEY: '',
        JWT_ISSUER: provider.issuer,
        JWT_AUDIENCE: AUDIENCE,
        ORIGIN_URL: origin.url,
        ...vars(),
      },
    });
    const kinds = [...(await badTokens(provider)), ...missingTokens];
    const answers = await Promise.all(
      kinds.map(async ({ kind, lines }, i) => {
        const { status } = await rawRequest(weir.url, [...lines, `CF-Connecting-IP: 192.0.2.${i}`]);
        return `${kind}: ${status}`;
      }),
    );
    expect(answers.filter((answer) => !answer.endsWith(': 401'))).toEqual([]);
    expect(origin.count).toBe(0);
    expect(await weir.limiterIds()).toEqual([]);
    expect((await weir.fetch('/', { headers: { Authorization: `Bearer ${await good()}` } })).status).toBe(
      200,
    );
    expect(origin.count).toBe(1);
    await weir.close();
  });
});
