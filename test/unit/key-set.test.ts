// JWKs, PEMs and secrets -> keys ready to verify with.
import { createHmac, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { candidates, parseKeySet, staticKeys } from '../../src/auth/keys/set.ts';
import { readPublicKey } from '../../src/config/public-key.ts';
import { Secret } from '../../src/lib/secret.ts';

const RSA_ONLY = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const publicJwk = async (alg: string, members: Partial<JWK> = {}): Promise<JWK> => {
  const { publicKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(publicKey)), ...members };
};

const rsa = await publicJwk('RS256');
const algsOf = async (keys: unknown[], algorithms = RSA_ONLY) =>
  (await parseKeySet(JSON.stringify({ keys }), algorithms)).keys.map(({ alg }) => alg);

describe('a JWK Set', () => {
  test('gives a key for each algorithm that the key fits and we allow', async () => {
    expect(await algsOf([rsa])).toEqual(['RS256', 'PS256']);
    expect(await algsOf([{ ...rsa, alg: 'RS256' }])).toEqual(['RS256']);
    expect(await algsOf([await publicJwk('ES256')])).toEqual(['ES256']);
    expect(await algsOf([await publicJwk('EdDSA')])).toEqual(['EdDSA']);
    expect(await algsOf([rsa], ['RS512'])).toEqual(['RS512']);
  });

  test('loses the keys that are not for verifying, and only those', async () => {
    const pairs = ['RS256', 'ES256', 'EdDSA'].map((alg) => generateKeyPair(alg, { extractable: true }));
    const useless = [
      ...(await Promise.all(pairs.map(async (pair) => exportJWK((await pair).privateKey)))),
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
    expect(await algsOf(useless, [...RSA_ONLY, 'HS256'])).toEqual([]);
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
    expect(await algsOf([await exportJWK(publicKey)])).toEqual([]);
  });

  test('is looked at for its first five hundred keys, and says how many more there are', async () => {
    const keys = Array.from({ length: 502 }, (_, i) => ({ ...rsa, alg: 'RS256', kid: String(i) }));
    const parsed = await parseKeySet(JSON.stringify({ keys }), RSA_ONLY);
    expect(parsed.keys).toHaveLength(500);
    expect(parsed.skipped).toEqual([
      { kid: '500', why: 'beyond the first 500' },
      { kid: '501', why: 'beyond the first 500' },
    ]);
  });

  test.each(['[]', 'null', '7', '"keys"', '{"keys":7}', '{"keys":{}}', '{}'])(
    'may not be %s',
    async (json) => {
      expect((await parseKeySet(json, RSA_ONLY)).keys).toEqual([]);
    },
  );

  test('keeps the very keys that were held before', async () => {
    const setOf = (...kids: string[]) => JSON.stringify({ keys: kids.map((kid) => ({ ...rsa, kid })) });
    const before = await parseKeySet(setOf('a'), ['RS256']);
    const after = await parseKeySet(setOf('b', 'a'), ['RS256'], before.keys);
    expect(after.keys[1]).toBe(before.keys[0]);
  });
});

describe('a token', () => {
  test('is tried with the key of its `kid`, or with at most sixteen without one', async () => {
    const keys = Array.from({ length: 20 }, (_, i) => ({ ...rsa, alg: 'RS256', kid: String(i) }));
    const { keys: set } = await parseKeySet(JSON.stringify({ keys }), ['RS256']);
    expect(candidates(set, 'RS256', '5').map(({ kid }) => kid)).toEqual(['5']);
    expect(candidates(set, 'RS256', undefined)).toHaveLength(16);
    expect(candidates(set, 'RS256', 'x')).toEqual([]);
    expect(candidates(set, 'PS256', '5')).toEqual([]);
  });

  test('that fits more keys than are tried is told of once for a set, whoever sends how many', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const keys = Array.from({ length: 20 }, (_, i) => ({ ...rsa, alg: 'RS256', kid: String(i) }));
    const { keys: set } = await parseKeySet(JSON.stringify({ keys }), ['RS256']);
    for (let i = 0; i < 3; i += 1) candidates(set, 'RS256', undefined);
    candidates(set, 'RS256', '5');
    expect(warn.mock.calls).toEqual([['{"message":"key_candidates_limit","limit":16,"left":4}']]);
    warn.mockRestore();
  });
});

/** An RSA key of `openssl`, in the forms that providers and tools hand out. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDDTCCAfWgAwIBAgIUS80uHzucdqmxfjmWeM430UEKockwDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLaXNzdWVyLnRlc3QwHhcNMjYxMTI2MTY1NTMwWhcNMzYx
MTIzMTY1NTMwWjAWMRQwEgYDVQQDDAtpc3N1ZXIudGVzdDCCASIwDQYJKoZIhvcN
AQEBBQADggEPADCCAQoCggEBAL4PuCHqiHIFeT32ELeyD5N2H0C8Qyu/DJDQ/UyJ
sjl4tsF12J4zJx4+1CeDrmXgcoYtnjV67DfIvfL+xhndOpK52iW+pkUubKVTYV3v
9eNihg2p9SLGuovYs0VD5dEUfdTXz8dmX/09re13d5SXsMF7TRKvyzIFDCw/yLns
UgYzBCTBviM8UNzrAH5Lc+llP0+vrqbqR75s8S7yaQcv0o/TzN7EHxfHoFGRL3O+
ijwlGIL0AU5Yr8wlSC50it3EjJR2NdgWj6ZNUNdWJbgXNEaQmx6JGU7z0XW/iJsh
fdZmHt5mpltf8tbralm0w/9X2lKQutYJAj1z9f5KxgzMxu8CAwEAAaNTMFEwHQYD
VR0OBBYEFIipm9vkvMjItd2lWKoGlKiYnvI1MB8GA1UdIwQYMBaAFIipm9vkvMjI
td2lWKoGlKiYnvI1MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEB
AKw2Uk+A1YUejwUfOHGmv/5A4CNNrYWr0KjS1X6CIB6hkbLlCPqUnWpMLMzMcYEQ
Jp5OH081ni33ZdKT1kTq9G+9CN8xi6cn68+5DzorbVT3Ojf209qU1LT69l7zB5fF
v2l4btxxzvK8jEugZZFAXKZeuhILcXEEr1XWWC5ZexMbvC0O1fKyzO1JZUqEC0+9
O9i5JvLYRmPg4mlkTXbvZSCpeIwHgpwAF5FZpNshdFoRNi02vb7U1YuuPUvCnBaH
ycj9ZP0K5E9qJaQ6791fWsEvDwm0lHAGMpMlF8p65vpmRRntvjNkStpIkn0P2bwB
GZnpMf1Ds+EkoTMf+DTUKi4=
-----END CERTIFICATE-----`;

describe('a key in a var', () => {
  test('may be a PEM, a JWK or a JWK Set', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const key of [await exportSPKI(publicKey), JSON.stringify(jwk), JSON.stringify({ keys: [jwk] })]) {
      const { keys } = await staticKeys({ kind: 'public', key }, RSA_ONLY);
      expect(keys.map(({ alg }) => alg)).toEqual(['ES256']);
    }
  });

  test('is the same one in whatever form it comes', async () => {
    const key = new X509Certificate(CERTIFICATE).publicKey;
    const der = (type: 'spki' | 'pkcs1') => key.export({ type, format: 'der' }).toString('base64');
    const pem = (type: 'spki' | 'pkcs1') => key.export({ type, format: 'pem' }).toString();
    const forms = [
      pem('spki'),
      pem('pkcs1'),
      der('spki'),
      der('pkcs1'),
      CERTIFICATE,
      CERTIFICATE.replace(/-----.*?-----|\s/g, ''),
      CERTIFICATE.replaceAll('\n', '\\n'),
      `${CERTIFICATE}\n${pem('spki')}`,
      JSON.stringify({ one: CERTIFICATE }),
      JSON.stringify(key.export({ format: 'jwk' })),
    ];
    for (const form of forms) {
      const text = readPublicKey(form);
      if (typeof text !== 'string') throw new Error(`${form}: ${text.expected}`);
      const { keys } = await staticKeys({ kind: 'public', key: text }, ['RS256']);
      const [first] = keys;
      if (!first) throw new Error(`${form}: no key`);
      expect(await exportJWK(first.key)).toMatchObject(key.export({ format: 'jwk' }));
    }
  });

  test('may be no private key, in whatever form it comes', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'der' }).toString('base64');
    const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString();
    const forms = [pem('pkcs1'), pem('pkcs8'), der('pkcs1'), der('pkcs8'), `${CERTIFICATE}\n${pem('pkcs8')}`];
    for (const form of forms)
      expect(readPublicKey(form)).toEqual({ expected: 'public keys alone: PEM, a JWK or a JWKS' });
  });

  test('of SSH is told how to convert it', () => {
    expect(readPublicKey('ssh-rsa AAAAB3NzaC1yc2E= alice')).toEqual({
      expected: 'PEM, which `ssh-keygen -e -m PKCS8 -f <file>` makes of a key of SSH',
    });
  });

  test('may be a secret and the one before', async () => {
    const secrets = ['the new secret of thirty-two bytes', 'the old secret of thirty-two bytes'];
    const { keys } = await staticKeys(
      { kind: 'secret', secrets: secrets.map((each) => new Secret(each)), encoding: 'utf8' },
      ['HS256'],
    );
    expect(keys.map(({ alg }) => alg)).toEqual(['HS256', 'HS256']);
  });

  test.each(['base64', 'base64url'] as const)('may be a secret in %s', async (encoding) => {
    const bytes = randomBytes(32);
    const secrets = [bytes.toString(encoding)];
    const { keys } = await staticKeys(
      { kind: 'secret', secrets: secrets.map((each) => new Secret(each)), encoding },
      ['HS256'],
    );
    const data = new TextEncoder().encode('signed');
    const signature = createHmac('sha256', bytes).update(data).digest();
    const [key] = keys;
    expect(key && (await crypto.subtle.verify('HMAC', key.key, signature, data))).toBe(true);
  });
});
