// Keys in their outer forms -> CryptoKeys that verify one algorithm of RFC 7518 section 3.1 and RFC 8037. Web Crypto
// checks what is given; what does not fit the algorithm is rejected.
import type { JWK } from 'jose';

export const importJwk = (jwk: JWK, alg: string): Promise<CryptoKey> => {
  // Without `alg`, `use` and `key_ops`, which were looked at before. With `d`, since a private key must be rejected.
  const { kty, crv, n, e, x, y, d } = jwk;
  const known = JSON.parse(JSON.stringify({ kty, crv, n, e, x, y, d }));
  return crypto.subtle.importKey('jwk', known, parameters(alg), false, ['verify']);
};

/** PEM of a SubjectPublicKeyInfo (RFC 7468 section 13). */
export const importSpki = (pem: string, alg: string): Promise<CryptoKey> => {
  const base64 = pem.replace(/-----[^-]+-----|\s/g, '');
  return importVerifying(
    'spki',
    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
    alg,
  );
};

/** The secret's UTF-8 bytes are the key. */
export const importSecret = (secret: string, alg: string): Promise<CryptoKey> =>
  importVerifying('raw', new TextEncoder().encode(secret), alg);

const importVerifying = (format: 'spki' | 'raw', key: BufferSource, alg: string): Promise<CryptoKey> =>
  crypto.subtle.importKey(format, key, parameters(alg), false, ['verify']);

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
const NAMES: Readonly<Record<string, string>> = {
  HS: 'HMAC',
  RS: 'RSASSA-PKCS1-v1_5',
  PS: 'RSA-PSS',
  ES: 'ECDSA',
};

/** HS256 is HMAC with SHA-256, and so on. */
const parameters = (alg: string) => ({
  name: NAMES[alg.slice(0, 2)] ?? 'Ed25519',
  hash: `SHA-${alg.slice(2)}`,
  namedCurve: CURVES[alg] ?? '',
});
