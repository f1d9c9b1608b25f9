// The keys that the user hands over: public ones for the confusion forgery, a private one to mint tokens with.
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** Public keys out of a PEM, a JWK or a JWKS. @throws {TypeError} where there is none. */
export const readPublicKeys = (text: string): KeyObject[] => {
  if (!text.trimStart().startsWith('{')) return [createPublicKey(text)];
  const parsed = JSON.parse(text) as JsonWebKey & { keys?: JsonWebKey[] };
  const keys = (parsed.keys ?? [parsed]).filter((jwk) => jwk.kty !== 'oct');
  if (keys.length === 0) throw new TypeError('no public key in it');
  return keys.map((key) => createPublicKey({ key, format: 'jwk' }));
};

export interface SigningKey {
  readonly jwk: JsonWebKey & { readonly alg?: string; readonly kid?: string };
  readonly key: KeyObject;
}

/** @throws {TypeError} for anything but a private JWK (a secret `oct` key, too). */
export const readSigningKey = (text: string): SigningKey => {
  const jwk = JSON.parse(text) as SigningKey['jwk'];
  if (typeof jwk.d !== 'string') throw new TypeError('expected a private key as a JWK (a member `d`)');
  return { jwk, key: createPrivateKey({ key: jwk, format: 'jwk' }) };
};

/** The ways in which a confused verifier reads a public key as an HMAC secret. */
export const asSecrets = (key: KeyObject): (string | Buffer)[] => {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  return [
    pem,
    pem.trimEnd(),
    key.export({ type: 'spki', format: 'der' }),
    JSON.stringify(key.export({ format: 'jwk' })),
  ];
};
