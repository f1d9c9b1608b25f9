// A decoy must be refused for its signature alone: whatever ends sooner would take less time than a real one.
import { decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { decoyToken } from '../../src/auth/decoy.ts';
import { importSecret } from '../../src/auth/keys/set.ts';

const publicKey = async (alg: string, modulusLength?: number): Promise<CryptoKey> =>
  (await generateKeyPair(alg, modulusLength === undefined ? {} : { modulusLength })).publicKey;

const bytes = (token: string): number => Buffer.from(token.split('.')[2] ?? '', 'base64url').length;

describe('a decoy', () => {
  test.each([
    ['RS256', 256, () => publicKey('RS256')],
    ['RS256', 512, () => publicKey('RS256', 4096)],
    ['PS384', 256, () => publicKey('PS384')],
    ['ES256', 64, () => publicKey('ES256')],
    ['ES384', 96, () => publicKey('ES384')],
    ['ES512', 132, () => publicKey('ES512')],
    ['EdDSA', 64, () => publicKey('EdDSA')],
    ['HS256', 32, () => importSecret('a secret', 'HS256')],
    ['HS512', 64, () => importSecret('a secret', 'HS512')],
  ])('for %s has a signature of %i bytes that does not fit', async (alg, length, load) => {
    const key = await load();
    const token = decoyToken({ alg, key, kid: undefined, id: '', trusted: true }, 'https://issuer.test/');
    expect(bytes(token)).toBe(length);
    expect(decodeProtectedHeader(token)).toEqual({ alg, kid: 'decoy' });
    expect(decodeJwt(token).iss).toBe('https://issuer.test/');
    await expect(jwtVerify(token, key)).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
  });
});
