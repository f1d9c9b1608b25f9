// The shape of a public key in a var: SPKI PEM, JWK or JWKS. Nothing is quoted, it may be a private key.
import { isTable, parseJson } from '../lib/json.ts';

const PEM = /^-----BEGIN PUBLIC KEY-----[\sA-Za-z0-9+/=]+-----END PUBLIC KEY-----$/;

/** PEM, or JSON of a JWK or JWKS that may have come as a TOML table; `\n` written out is a line's end. */
export const publicKeyText = (value: unknown): string | undefined => {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  return text.startsWith('{') ? text : text.replaceAll('\\n', '\n');
};

/** Whether it is SPKI PEM, a JWK or a JWKS, and nothing private. */
export const isPublicKey = (text: string): boolean => {
  if (PEM.test(text)) return true;
  const data = parseJson(text);
  const keys = isTable(data) && Array.isArray(data.keys) ? data.keys : [data];
  return keys.length > 0 && keys.every(isPublicJwk);
};

const isPublicJwk = (key: unknown): boolean =>
  isTable(key) && typeof key.kty === 'string' && key.kty !== 'oct' && !('d' in key);
