// JWKs, PEMs and secrets -> keys ready to verify with.
import { exportJWK, exportSPKI, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { candidates, parseKeySet, staticKeys } from '../../src/auth/keys/set.ts';
import { Secret } from '../../src/lib/secret.ts';

const RSA_ONLY = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const publicJwk = async (alg: string, members: Partial<JWK> = {}): Promise<JWK> => {
  const { publicKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(publicKey)), ...members };
};

const rsa = await publicJwk('RS256');
const algsOf = async (keys: unknown[], algorithms = RSA_ONLY) =>
  (await parseKeySet(JSON.stringify({ keys }), algorithms))?.map(({ alg }) => alg);

describe('a JWK Set', () => {
  test('gives a key for each algorithm that the key fits and we allow', async () => {
    expect(await algsOf([rsa])).toEqual(['RS256', 'PS256']);
    expect(await algsOf([{ ...rsa, alg: 'RS256' }])).toEqual(['RS256']);
    expect(await algsOf([await publicJwk('ES256')])).toEqual(['ES256']);
    expect(await algsOf([await publicJwk('EdDSA')])).toEqual(['EdDSA']);
    expect(await algsOf([rsa], ['RS512'])).toEqual(['RS512']);
  });

  test('loses the keys that are not for verifying, and only those', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const useless = [
      await exportJWK(privateKey),
      { ...rsa, use: 'enc' },
      { ...rsa, key_ops: ['encrypt'] },
      { ...rsa, alg: 'RSA-OAEP' },
      { ...rsa, kid: 7 },
      { ...rsa, n: '!' },
      { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
      { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' },
      {},
      null,
      'key',
      [],
    ];
    expect(await algsOf(useless, [...RSA_ONLY, 'HS256'])).toBeUndefined();
    expect(await algsOf([...useless, { ...rsa, alg: 'RS256' }])).toEqual(['RS256']);
  });

  test('of RSA keys below 2048 bits is of no use', async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 1024,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      },
      true,
      ['sign', 'verify'],
    );
    expect(await algsOf([await exportJWK(publicKey)])).toBeUndefined();
  });

  test('is looked at for its first hundred keys', async () => {
    const many = Array.from({ length: 150 }, (_, i) => ({ ...rsa, alg: 'RS256', kid: String(i) }));
    expect(await algsOf(many)).toHaveLength(100);
  });

  test.each(['[]', 'null', '7', '"keys"', '{"keys":7}', '{"keys":{}}', '{}'])(
    'may not be %s',
    async (json) => {
      expect(await parseKeySet(json, RSA_ONLY)).toBeUndefined();
    },
  );

  test('keeps the very keys that were held before', async () => {
    const before = await parseKeySet(JSON.stringify({ keys: [{ ...rsa, kid: 'a' }] }), ['RS256']);
    const after = await parseKeySet(
      JSON.stringify({
        keys: [
          { ...rsa, kid: 'b' },
          { ...rsa, kid: 'a' },
        ],
      }),
      ['RS256'],
      before,
    );
    expect(after?.[1]).toBe(before?.[0]);
  });
});

describe('a token', () => {
  test('is tried with the key of its `kid`, or with at most four without one', async () => {
    const keys = Array.from({ length: 6 }, (_, i) => ({ ...rsa, alg: 'RS256', kid: String(i) }));
    const set = (await parseKeySet(JSON.stringify({ keys }), ['RS256'])) ?? [];
    expect(candidates(set, 'RS256', '5').map(({ kid }) => kid)).toEqual(['5']);
    expect(candidates(set, 'RS256', undefined)).toHaveLength(4);
    expect(candidates(set, 'RS256', 'x')).toEqual([]);
    expect(candidates(set, 'PS256', '5')).toEqual([]);
  });
});

describe('a key in a var', () => {
  test('may be a PEM, a JWK or a JWK Set', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const key of [await exportSPKI(publicKey), JSON.stringify(jwk), JSON.stringify({ keys: [jwk] })]) {
      const keys = await staticKeys({ kind: 'public', key }, RSA_ONLY);
      expect(keys.map(({ alg }) => alg)).toEqual(['ES256']);
    }
  });

  test('may be a secret and the one before', async () => {
    const secrets = ['the new secret of thirty-two bytes', 'the old secret of thirty-two bytes'];
    const keys = await staticKeys({ kind: 'secret', secrets: secrets.map((each) => new Secret(each)) }, [
      'HS256',
    ]);
    expect(keys.map(({ alg }) => alg)).toEqual(['HS256', 'HS256']);
  });
});
