// A JWT taken apart and put together again, right or wrong. No verification.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The three parts as given. */
  readonly parts: readonly [string, string, string];
}

/** Undefined for anything but a signed compact JWT. */
export const readJwt = (token: string): Jwt | undefined => {
  const parts = token.split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature) return undefined;
  const decoded = { header: decode(header), payload: decode(payload) };
  if (decoded.header === undefined || decoded.payload === undefined) return undefined;
  return { header: decoded.header, payload: decoded.payload, parts: [header, payload, signature] };
};

const decode = (part: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

export const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Random bytes in place of a signature, as long as the real one. */
export const randomSignature = (jwt: Jwt): string =>
  randomBytes(Buffer.from(jwt.parts[2], 'base64url').length).toString('base64url');

/** The same claims under a new id, so that no cache of refused tokens knows the result. */
export const freshPayload = (jwt: Jwt, claims: Record<string, unknown> = {}): string =>
  encode({ ...jwt.payload, jti: randomUUID(), ...claims });

/** A token of these claims with a signature that no key made. */
export const badlySigned = (jwt: Jwt, claims: Record<string, unknown> = {}): string =>
  `${jwt.parts[0]}.${freshPayload(jwt, claims)}.${randomSignature(jwt)}`;

/** Signed with HMAC SHA-256 under `secret`. */
export const hmacSigned = (
  header: Record<string, unknown>,
  payload: string,
  secret: string | Buffer,
): string => {
  const input = `${encode({ ...header, alg: 'HS256' })}.${payload}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

const HASHES: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };

/** Whether this secret signed the token, by the HMAC that its header names. */
export const isHmacOf = (jwt: Jwt, secret: Buffer): boolean => {
  const hash = HASHES[String(jwt.header.alg)];
  const [header, payload, signature] = jwt.parts;
  if (hash === undefined) return false;
  return createHmac(hash, secret).update(`${header}.${payload}`).digest('base64url') === signature;
};
