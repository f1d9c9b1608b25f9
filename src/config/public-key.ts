// The shape of a public key in a var: SPKI PEM, JWK or JWKS. Nothing is quoted, it may be a private key.
import type { Misfit } from '../limits.ts';
import { isTable } from '../schema.ts';
import { parseJson } from './vars.ts';

const PEM = /^-----BEGIN PUBLIC KEY-----[\sA-Za-z0-9+/=]+-----END PUBLIC KEY-----$/;

/** PEM, or JSON of a JWK or JWKS that may have come as a TOML table; `\n` written out is a line's end. */
export const publicKeyText = (value: unknown): string | undefined => {
  if (value === undefined || value === '') return undefined;
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  return text.startsWith('{') ? text : text.replaceAll('\\n', '\n');
};

export const publicKeyMisfit = (text: string): Misfit | undefined => {
  if (PEM.test(text)) return undefined;
  const data = parseJson(text);
  const keys = isTable(data) && Array.isArray(data.keys) ? data.keys : [data];
  if (text.includes('PRIVATE KEY') || keys.some((key) => isTable(key) && 'd' in key))
    return { expected: 'a public key, not a private one' };
  if (keys.length > 0 && keys.every(isPublicJwk)) return undefined;
  return { expected: 'a PEM `PUBLIC KEY`, a JWK or a JWKS with at least one public key' };
};

const isPublicJwk = (key: unknown): boolean =>
  isTable(key) && typeof key.kty === 'string' && key.kty !== 'oct';
