// Reads public keys in all their forms as one of two, JSON or PEM. Nothing is quoted: it may be a private key.
import type { Issue } from '../lib/issue.ts';
import { isTable, parseJson } from '../lib/json.ts';
import { labelOf, PUBLIC_LABELS, pemBlocks, pemOf } from '../lib/pem.ts';

const NOT_PUBLIC: Issue = { expected: 'public keys alone: PEM, a JWK or a JWKS' };

/**
 * JSON of a JWK, a JWKS or a table of certificates by `kid`, which may have come as a TOML table; or PEM of public keys
 * and certificates, one after the other, in which `\n` may be written out; or bare base64 of one.
 */
export const readPublicKey = (value: unknown): string | Issue => {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  if (text.startsWith('{')) return isPublicJson(parseJson(text)) ? text : NOT_PUBLIC;
  if (/^(ssh|ecdsa)-/.test(text)) return SSH;
  const pem = pemText(text.replaceAll('\\n', '\n'));
  const blocks = pemBlocks(pem);
  const isPublic =
    blocks.length > 0 && blocks.every(({ label }) => PUBLIC_LABELS.some((each) => each === label));
  return isPublic ? pem : NOT_PUBLIC;
};

const SSH: Issue = { expected: 'PEM, which `ssh-keygen -e -m PKCS8 -f <file>` makes of a key of SSH' };

/** Bare base64 as PEM. */
const pemText = (text: string): string => {
  const base64 = text.replace(/\s/g, '');
  const label = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? labelOf(base64) : undefined;
  return label === undefined ? text : pemOf({ label, base64 });
};

const isPublicJson = (data: unknown): boolean => {
  if (!isTable(data)) return false;
  if (isCertificates(data)) return true;
  const keys = Array.isArray(data.keys) ? data.keys : [data];
  return keys.length > 0 && keys.every(isPublicJwk);
};

/** `{ "<kid>": "-----BEGIN CERTIFICATE-----…" }`, as Google publishes them. */
const isCertificates = (data: object): boolean => {
  const values = Object.values(data);
  return values.length > 0 && values.every((value) => typeof value === 'string' && isCertificate(value));
};

const isCertificate = (text: string): boolean => pemBlocks(text).at(0)?.label === 'CERTIFICATE';

const isPublicJwk = (key: unknown): boolean =>
  isTable(key) && typeof key.kty === 'string' && key.kty !== 'oct' && !('d' in key);
