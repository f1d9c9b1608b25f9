// A token to verify in vain, for refusals that came without any crypto.
//
// A timer hides whole milliseconds alone: an event loop sleeps in those, so that what a request computed before the
// sleep moves the end of it. What remains is hidden by doing the same work for every refusal.
import type { VerificationKey } from './keys/set.ts';

/** Bytes of a signature where they do not depend on the key, of most 64 (RFC 7518 section 3.1, RFC 8037). */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, ES384: 96, ES512: 132 };

/**
 * For this key of this issuer, so that it goes the way of a forged token to the end: with a `kid`, since without one a
 * newer key set would be asked for, with as much payload as usual, and with a signature that takes as long to refuse
 * as any.
 */
export const decoyToken = (
  { alg, kid = 'decoy', key }: VerificationKey,
  iss?: string,
  tid?: unknown,
): string =>
  [
    base64url(JSON.stringify({ alg, kid })),
    base64url(JSON.stringify({ iss, tid, padding: PADDING })),
    signature(signatureBytes(alg, key)),
  ].join('.');

const signatureBytes = (alg: string, { algorithm }: CryptoKey): number =>
  'modulusLength' in algorithm ? Number(algorithm.modulusLength) / 8 : (SIGNATURE_BYTES[alg] ?? 64);

/** Random, but small enough for its group in either byte order: what is out of range would be refused at a glance. */
const signature = (length: number): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  for (const i of [0, length / 2, length - 1]) bytes[i] = 0;
  return base64url(String.fromCharCode(...bytes));
};

const base64url = (text: string): string =>
  btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const PADDING = 'x'.repeat(200);
