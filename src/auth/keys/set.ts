// Public keys and secrets -> keys ready to verify with. No network, no clock.
import { importJWK, importSPKI, importX509, type JWK } from 'jose';
import type { KeySource, SecretEncoding } from '../../config/types.ts';
import { fromBase64 } from '../../lib/encoding.ts';
import { isTable, type Table } from '../../lib/json.ts';
import { type PemBlock, pemBlocks, pemOf, spkiOfPkcs1 } from '../../lib/pem.ts';
import type { Secret } from '../../lib/secret.ts';

/** One key, imported for one algorithm (RFC 8725 section 3.1: a key serves the algorithm it was imported for). */
export interface VerificationKey {
  /** Undefined: the source gave none, so the key is tried for every `kid`. */
  readonly kid: string | undefined;
  /** The issuer that the key signs for, in a set for several tenants. */
  readonly issuer?: string | undefined;
  readonly alg: string;
  readonly key: CryptoKey;
  /** Tells whether two fetched sets hold the same key. */
  readonly id: string;
  /** Turns false when the key has left its key set: tokens cached under the key no longer count. */
  trusted: boolean;
}

export type KeySet = readonly VerificationKey[];

/** A key of a set that is not used. */
export interface Skipped {
  readonly kid: string | undefined;
  readonly why: string;
}

export interface ParsedKeys {
  readonly keys: KeySet;
  readonly skipped: readonly Skipped[];
}

/** Most keys of a set that are looked at. */
const MAX_KEYS = 500;
/** Most keys tried for one token: only without a `kid` can there be more candidates. */
const MAX_CANDIDATES = 16;

/**
 * The keys that may have signed a token with this header. Warns, once for a set, where there are too many.
 * @param maySign whether a key signs for the token's issuer.
 */
export const candidates = (
  set: KeySet,
  alg: string,
  kid: string | undefined,
  maySign: (key: VerificationKey) => boolean = () => true,
): KeySet => {
  const isNamed = (key: VerificationKey) => kid === undefined || key.kid === undefined || key.kid === kid;
  const fitting = set.filter((key) => key.alg === alg && isNamed(key) && maySign(key));
  if (fitting.length <= MAX_CANDIDATES) return fitting;
  warnCandidates(set, fitting.length - MAX_CANDIDATES);
  return fitting.slice(0, MAX_CANDIDATES);
};

const warned = new WeakSet<KeySet>();

const warnCandidates = (set: KeySet, left: number): void => {
  if (warned.has(set)) return;
  warned.add(set);
  console.warn(JSON.stringify({ message: 'key_candidates_limit', limit: MAX_CANDIDATES, left }));
};

/** A public key that is not imported yet. */
interface PublicKey {
  readonly kid: string | undefined;
  readonly issuer?: string | undefined;
  /** Differs from that of any other key. */
  readonly id: string;
  /** Why it may not verify signatures of this algorithm; undefined where it may. */
  readonly flaw: (alg: string) => string | undefined;
  readonly load: (alg: string) => Promise<CryptoKey | Uint8Array>;
}

/**
 * The usable keys of a JWK Set (RFC 7517 section 5), of a single JWK, or of a table of certificates by `kid`. Keys that
 * `previous` holds already are taken from there, so that tokens cached under them stay.
 * @throws SyntaxError where the text is not JSON.
 */
export const parseKeySet = (
  json: string,
  algorithms: readonly string[],
  previous: KeySet = [],
): Promise<ParsedKeys> => importAll(publicKeysOf(JSON.parse(json)), algorithms, previous);

/** The keys of `JWT_PUBLIC_KEY` or `JWT_SECRET`: they never change while the Worker runs. */
export const staticKeys = async (
  source: Extract<KeySource, { kind: 'public' | 'secret' }>,
  algorithms: readonly string[],
): Promise<ParsedKeys> => {
  if (source.kind === 'secret') return { keys: await secretKeys(source, algorithms), skipped: [] };
  if (source.key.startsWith('{')) return parseKeySet(source.key, algorithms);
  return importAll(
    pemBlocks(source.key).map((block) => pemKey(undefined, block)),
    algorithms,
  );
};

const importAll = async (
  given: readonly PublicKey[],
  algorithms: readonly string[],
  previous: KeySet = [],
): Promise<ParsedKeys> => {
  const known = new Map(previous.map((key) => [key.id, key]));
  const found = await Promise.all(given.slice(0, MAX_KEYS).map((key) => importKey(key, algorithms, known)));
  const late = given.slice(MAX_KEYS).map(({ kid }) => ({ kid, why: TOO_MANY }));
  return {
    keys: found.flatMap(({ keys }) => keys),
    skipped: [...found.flatMap(({ skipped }) => skipped), ...late],
  };
};

/** Imports a key for each algorithm that it fits; skips one that fits none. */
const importKey = async (
  key: PublicKey,
  algorithms: readonly string[],
  known: ReadonlyMap<string, VerificationKey>,
): Promise<ParsedKeys> => {
  const results = await Promise.all(algorithms.map((alg) => importFor(key, alg, known)));
  const keys = results.filter((result) => typeof result !== 'string');
  const flaws = results.filter((result) => typeof result === 'string');
  return { keys, skipped: keys.length > 0 ? [] : [{ kid: key.kid, why: flaws.at(-1) ?? NO_ALGORITHM }] };
};

/** Warns that a set has more keys than are used. */
export const warnLimit = (source: string, skipped: readonly Skipped[]): void => {
  const left = skipped.filter(({ why }) => why === TOO_MANY).length;
  if (left > 0) console.warn(JSON.stringify({ message: 'key_set_limit', source, limit: MAX_KEYS, left }));
};

const TOO_MANY = `beyond the first ${MAX_KEYS}`;
const NO_ALGORITHM = 'of no accepted algorithm';

/** The key, or why it is of no use: of another kind, broken, private, or RSA below 2048 bits. */
const importFor = async (
  { kid, issuer, id: name, flaw, load }: PublicKey,
  alg: string,
  known: ReadonlyMap<string, VerificationKey>,
): Promise<VerificationKey | string> => {
  const problem = flaw(alg);
  if (problem !== undefined) return problem;
  const id = `${alg} ${name}`;
  const held = known.get(id);
  if (held) return held;
  const key = await load(alg).catch(() => undefined);
  if (!(key instanceof CryptoKey)) return NO_ALGORITHM;
  if (key.type !== 'public') return 'private';
  return isWeakRsa(key) ? 'RSA below 2048 bits' : { kid, issuer, alg, key, id, trusted: true };
};

/** RFC 7518 section 3.3. */
const isWeakRsa = ({ algorithm }: CryptoKey): boolean =>
  'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048;

const publicKeysOf = (document: unknown): readonly PublicKey[] => {
  if (!isTable(document)) return [];
  if (Array.isArray(document.keys)) return document.keys.filter(isTable).map(jwkKey);
  return 'kty' in document ? [jwkKey(document)] : certificatesOf(document);
};

/** `{ "<kid>": "-----BEGIN CERTIFICATE-----…" }`, as Google publishes them. */
const certificatesOf = (document: Table): readonly PublicKey[] =>
  Object.entries(document).flatMap(([kid, pem]) =>
    typeof pem === 'string' ? pemBlocks(pem).map((block) => pemKey(kid, block)) : [],
  );

const pemKey = (kid: string | undefined, block: PemBlock): PublicKey => ({
  kid,
  id: `${kid ?? ''} ${block.base64}`,
  flaw: () => undefined,
  load: (alg) => importPem(block, alg),
});

const importPem = async (block: PemBlock, alg: string): Promise<CryptoKey> => {
  const { label, base64 } = block;
  if (label === 'CERTIFICATE') return importX509(pemOf(block), alg);
  const spki = label === 'RSA PUBLIC KEY' ? spkiOfPkcs1(base64) : base64;
  return importSPKI(pemOf({ label: 'PUBLIC KEY', base64: spki }), alg);
};

const jwkKey = (jwk: Table & JWK): PublicKey => ({
  kid: typeof jwk.kid === 'string' ? jwk.kid : undefined,
  issuer: typeof jwk.issuer === 'string' ? jwk.issuer : undefined,
  id: JSON.stringify(jwk),
  flaw: (alg) => jwkFlaw(jwk, alg),
  load: (alg) => importJwk(jwk, alg),
});

/** Why a JWK cannot verify (RFC 7517 sections 4.2 to 4.4). A secret in a key set is nobody's public key. */
const jwkFlaw = ({ kty, kid, alg, use, key_ops }: JWK, wanted: string): string | undefined => {
  if (kty === 'oct') return 'a secret';
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is not a string';
  if (use !== undefined && use !== 'sig') return `for the use ${JSON.stringify(use)}`;
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify')))
    return 'not for verifying';
  return alg === undefined || plain(alg) === plain(wanted) ? undefined : NO_ALGORITHM;
};

/** Ed25519 is the one kind of EdDSA there is on Workers, under the name of RFC 9864. */
const plain = (alg: string): string => (alg === 'Ed25519' ? 'EdDSA' : alg);

/** Without `alg`, `use` and `key_ops`, which were looked at before; with `d`, since a private key must be rejected. */
const importJwk = async ({ kty, crv, n, e, x, y, d }: JWK, alg: string): Promise<CryptoKey | Uint8Array> =>
  importJWK(JSON.parse(JSON.stringify({ kty, crv, n, e, x, y, d })), alg);

const secretKeys = (
  { secrets, encoding }: Extract<KeySource, { kind: 'secret' }>,
  algorithms: readonly string[],
): Promise<KeySet> =>
  Promise.all(secrets.flatMap((secret) => algorithms.map((alg) => secretKey(secret, encoding, alg))));

const secretKey = async (
  secret: Secret,
  encoding: SecretEncoding,
  alg: string,
): Promise<VerificationKey> => ({
  kid: undefined,
  alg,
  key: await importSecret(secret.reveal(), alg, encoding),
  id: alg,
  trusted: true,
});

/** HMAC with the SHA-2 that the algorithm's name ends with. */
export const importSecret = (
  secret: string,
  alg: string,
  encoding: SecretEncoding = 'utf8',
): Promise<CryptoKey> => {
  const bytes = encoding === 'utf8' ? new TextEncoder().encode(secret) : fromBase64(secret, encoding);
  const parameters = { name: 'HMAC', hash: `SHA-${alg.slice(2)}` };
  return crypto.subtle.importKey('raw', bytes ?? new Uint8Array(), parameters, false, ['verify']);
};
