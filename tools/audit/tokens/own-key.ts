// A key pair made for one forgery, of the kind that an algorithm takes, and compact JWS signed with it.
import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type CompactJWSHeaderParameters, CompactSign } from 'jose';

export interface OwnKey {
  readonly key: KeyObject;
  readonly jwk: JsonWebKey & { readonly alg: string };
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** @param alg of RFC 7518 or 8037; one that is not known is answered with a key for ES256. */
export const ownKey = (alg: string): OwnKey => {
  if (/^[RP]S(256|384|512)$/.test(alg))
    return owned(generateKeyPairSync('rsa', { modulusLength: 2048 }), alg);
  if (/^(EdDSA|Ed25519)$/.test(alg)) return owned(generateKeyPairSync('ed25519'), alg);
  const known = alg in CURVES ? alg : 'ES256';
  return owned(generateKeyPairSync('ec', { namedCurve: CURVES[known] ?? 'P-256' }), known);
};

const owned = (pair: { publicKey: KeyObject; privateKey: KeyObject }, alg: string): OwnKey => ({
  key: pair.privateKey,
  jwk: { ...pair.publicKey.export({ format: 'jwk' }), alg },
});

/**
 * Signed as the header's `alg` says.
 * @param payload in base64url.
 */
export const signed = (
  key: KeyObject,
  header: CompactJWSHeaderParameters,
  payload: string,
): Promise<string> => new CompactSign(Buffer.from(payload, 'base64url')).setProtectedHeader(header).sign(key);
