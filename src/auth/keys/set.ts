// Public keys and secrets -> keys ready to verify with. No network, no clock.
import { importJWK, importSPKI, type JWK } from 'jose';
import type { Issuer, KeySource } from '../../config/types.ts';
import { isTable } from '../../lib/json.ts';
import type { Secret } from '../../lib/secret.ts';

/** One key, imported for one algorithm (RFC 8725 section 3.1: a key serves the algorithm it was imported for). */
export interface VerificationKey {
  /** Undefined: the source gave none, so the key is tried for every `kid`. */
  readonly kid: string | undefined;
  readonly alg: string;
  readonly key: CryptoKey;
  /** Tells whether two fetched sets hold the same key. */
  readonly id: string;
  /** Turns false when the key has left its key set; cached tokens of it then count for nothing. */
  trusted: boolean;
}

export type KeySet = readonly VerificationKey[];

/** Most keys of a set that are looked at. */
const MAX_KEYS = 100;
/** Most keys tried for one token: more come into question only without a `kid`. */
const MAX_CANDIDATES = 4;

/** The keys that may have signed a token with this header. */
export const candidates = (set: KeySet, alg: string, kid: string | undefined): KeySet =>
  set
    .filter((key) => key.alg === alg && (kid === undefined || key.kid === undefined || key.kid === kid))
    .slice(0, MAX_CANDIDATES);

/**
 * The usable keys of a JWK Set (RFC 7517 section 5) or of a single JWK. Keys we cannot use are skipped; undefined if
 * none is left. Keys that `previous` holds already are taken from there, so that tokens cached under them stay.
 */
export const parseKeySet = async (
  json: string,
  algorithms: readonly string[],
  previous: KeySet = [],
): Promise<KeySet | undefined> => {
  const known = new Map(previous.map((key) => [key.id, key]));
  const imports = jwksOf(json).flatMap((jwk) => algorithms.map((alg) => importKey(jwk, alg, known)));
  const keys = (await Promise.all(imports)).filter((key) => key !== undefined);
  return keys.length > 0 ? keys : undefined;
};

/** The keys of `JWT_PUBLIC_KEY` or `JWT_SECRET`: they never change while the Worker runs. */
export const staticKeys = async (
  source: Extract<KeySource, { kind: 'public' | 'secret' }>,
  algorithms: Issuer['algorithms'],
): Promise<KeySet> => {
  if (source.kind === 'secret') return secretKeys(source.secrets, algorithms);
  const text = source.key.trim();
  if (text.startsWith('{')) return (await parseKeySet(text, algorithms)) ?? [];
  const keys = algorithms.map((alg) => usable(undefined, alg, alg, () => importSPKI(text, alg)));
  return (await Promise.all(keys)).filter((key) => key !== undefined);
};

const secretKeys = (secrets: readonly Secret[], algorithms: Issuer['algorithms']): Promise<KeySet> =>
  Promise.all(secrets.flatMap((secret) => algorithms.map((alg) => secretKey(secret.reveal(), alg))));

const secretKey = async (secret: string, alg: string): Promise<VerificationKey> => ({
  kid: undefined,
  alg,
  key: await importSecret(secret, alg),
  id: alg,
  trusted: true,
});

/** HMAC with the SHA-2 that the algorithm's name ends with; the secret's UTF-8 bytes are the key. */
export const importSecret = (secret: string, alg: string): Promise<CryptoKey> => {
  const parameters = { name: 'HMAC', hash: `SHA-${alg.slice(2)}` };
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), parameters, false, ['verify']);
};

const jwksOf = (json: string): JWK[] => {
  const document: unknown = JSON.parse(json);
  if (!isTable(document)) return [];
  const keys = document.keys ?? [document];
  return Array.isArray(keys) ? keys.slice(0, MAX_KEYS).filter(isTable) : [];
};

const importKey = async (jwk: JWK, alg: string, known: ReadonlyMap<string, VerificationKey>) => {
  const id = `${alg} ${JSON.stringify(jwk)}`;
  if (!mayVerify(jwk, alg)) return undefined;
  return known.get(id) ?? usable(jwk.kid, alg, id, () => importJwk(jwk, alg));
};

/** Without `alg`, `use` and `key_ops`, which were looked at before; with `d`, since a private key must be rejected. */
const importJwk = async ({ kty, crv, n, e, x, y, d }: JWK, alg: string): Promise<CryptoKey | Uint8Array> =>
  importJWK(JSON.parse(JSON.stringify({ kty, crv, n, e, x, y, d })), alg);

/** RFC 7517 sections 4.2 to 4.4; a secret in a key set is nobody's public key. */
const mayVerify = (jwk: JWK, alg: string): boolean =>
  jwk.kty !== 'oct' &&
  (jwk.kid === undefined || typeof jwk.kid === 'string') &&
  (jwk.alg === undefined || jwk.alg === alg) &&
  (jwk.use === undefined || jwk.use === 'sig') &&
  (jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')));

/** Undefined for a key of another kind, of a broken one, of a private one and of RSA below 2048 bits. */
const usable = async (
  kid: string | undefined,
  alg: string,
  id: string,
  load: () => Promise<CryptoKey | Uint8Array>,
): Promise<VerificationKey | undefined> => {
  const key = await load().catch(() => undefined);
  if (!(key instanceof CryptoKey) || key.type !== 'public' || isWeakRsa(key)) return undefined;
  return { kid, alg, key, id, trusted: true };
};

/** RFC 7518 section 3.3. */
const isWeakRsa = ({ algorithm }: CryptoKey): boolean =>
  'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048;
