// The keys that the user hands over: public ones for the confusion forgery, a private one to mint tokens with.
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { isHmacOf, readJwt } from './jwt.ts';

/** Public keys out of a PEM, a JWK or a JWKS. @throws {TypeError} where there is none. */
export const readPublicKeys = (text: string): KeyObject[] => {
  if (!text.trimStart().startsWith('{')) return [createPublicKey(text)];
  const parsed = JSON.parse(text) as JsonWebKey & { keys?: JsonWebKey[] };
  const keys = (parsed.keys ?? [parsed]).filter((jwk) => jwk.kty !== 'oct');
  if (keys.length === 0) throw new TypeError('no public key in it');
  return keys.map((key) => createPublicKey({ key, format: 'jwk' }));
};

export interface SigningKey {
  readonly key: KeyObject;
  /** As the key says; undefined: as the token given does. */
  readonly alg?: string | undefined;
  readonly kid?: string | undefined;
}

type Jwk = JsonWebKey & { readonly alg?: string; readonly kid?: string };

/**
 * A private key (JWK or PEM), or the HMAC secret that signed `token`: a JWK of type `oct`, or the secret itself as text,
 * base64 or hexadecimal, whichever the token was signed by.
 * @throws {TypeError} for anything else; {SyntaxError} for what looks like a JWK and is not JSON.
 */
export const readSigningKey = (text: string, token: string): SigningKey => {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return fromJwk(JSON.parse(trimmed) as Jwk, token);
  if (trimmed.startsWith('-----BEGIN')) return { key: privateKey(() => createPrivateKey(trimmed)) };
  return fromSecrets(readings(text), token);
};

const fromJwk = (jwk: Jwk, token: string): SigningKey => {
  const { alg, kid } = jwk;
  if (jwk.kty === 'oct' && typeof jwk.k === 'string')
    return { ...fromSecrets([Buffer.from(jwk.k, 'base64url')], token), alg, kid };
  if (typeof jwk.d !== 'string') throw new TypeError(EXPECTED);
  return { key: privateKey(() => createPrivateKey({ key: jwk, format: 'jwk' })), alg, kid };
};

/** Node's own messages may quote what they were given. */
const privateKey = (read: () => KeyObject): KeyObject => {
  try {
    return read();
  } catch {
    throw new TypeError(EXPECTED);
  }
};

const EXPECTED = 'expected a private key (JWK or PEM), or the HMAC secret that signed the token given';

/** What a file with a secret can mean: with or without its last line end, encoded or not. */
const readings = (text: string): Buffer[] => {
  const trimmed = text.trim();
  return [
    Buffer.from(text),
    Buffer.from(text.replace(/\r?\n$/, '')),
    Buffer.from(trimmed),
    Buffer.from(trimmed, 'base64'),
    Buffer.from(trimmed, 'hex'),
  ];
};

const fromSecrets = (secrets: readonly Buffer[], token: string): SigningKey => {
  const jwt = readJwt(token);
  const secret = secrets.find((one) => one.length > 0 && jwt !== undefined && isHmacOf(jwt, one));
  if (secret === undefined) throw new TypeError(EXPECTED);
  return { key: createSecretKey(secret) };
};

/** What a private key's owner has published, too; empty for an HMAC secret. */
export const publicHalf = ({ key }: SigningKey): KeyObject[] =>
  key.type === 'private' ? [createPublicKey(key)] : [];

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
