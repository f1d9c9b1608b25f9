// The shape of a public key in a var: SPKI PEM, JWK or JWKS. Nothing is quoted, it may be a private key.
import { parseJson } from './vars.ts';

const PEM = /^-----BEGIN PUBLIC KEY-----[\sA-Za-z0-9+/=]+-----END PUBLIC KEY-----$/;

/** PEM, or JSON of a JWK or JWKS that may have come as a TOML table; `\n` written out is a line's end. */
export const publicKeyText = (value: unknown): string | undefined => {
  if (value === undefined || value === '') return undefined;
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  return text.startsWith('{') ? text : text.replaceAll('\\n', '\n');
};

export const publicKeyProblem = (text: string): string | undefined => {
  if (PEM.test(text)) return undefined;
  if (text.includes('PRIVATE KEY')) return 'expected a public key, got a private one';
  const data = parseJson(text);
  const keys = isRecord(data) && Array.isArray(data.keys) ? data.keys : [data];
  if (keys.some((key) => isRecord(key) && 'd' in key)) return 'expected a public key, got a private one';
  if (keys.length > 0 && keys.every(isPublicJwk)) return undefined;
  return 'expected a PEM `PUBLIC KEY`, a JWK or a JWKS with at least one public key';
};

const isPublicJwk = (key: unknown): boolean =>
  isRecord(key) && typeof key.kty === 'string' && key.kty !== 'oct';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
