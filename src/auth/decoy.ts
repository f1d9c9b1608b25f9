// Crypto in vain, for refusals that came without any.
//
// A timer hides whole milliseconds alone: an event loop sleeps in those, so that what a request computed before the
// sleep moves the end of it. What remains is hidden by doing the same work for every refusal.
import type { VerificationKey } from './key-set.ts';

/** Bytes of a signature where they do not depend on the key (RFC 7518 section 3.1, RFC 8037). */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
  ES256: 64,
  ES384: 96,
  ES512: 132,
  EdDSA: 64,
};

/** A token for this key with a signature of the right length and range, which takes as long to refuse as any. */
export const decoyToken = ({ alg, key }: VerificationKey): string => {
  const header = btoa(JSON.stringify({ alg })).replace(/=+$/, '');
  return `${header}.e30.${base64urlOnes(signatureBytes(alg, key))}`;
};

const signatureBytes = (alg: string, { algorithm }: CryptoKey): number =>
  'modulusLength' in algorithm ? Number(algorithm.modulusLength) / 8 : (SIGNATURE_BYTES[alg] ?? 64);

/** So many bytes 0x01 in base64url, without padding. */
const base64urlOnes = (bytes: number): string =>
  'AQEB'.repeat(Math.ceil(bytes / 3)).slice(0, Math.ceil((bytes * 4) / 3));
