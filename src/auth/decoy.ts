// A token to verify in vain, for refusals that took no crypto.
//
// A timer hides only whole milliseconds: an event loop sleeps in those, so work done before the sleep shifts its end.
// Doing the same work for every refusal hides the rest.
import { base64url } from '../lib/encoding.ts';
import type { VerificationKey } from './keys/set.ts';

/** Bytes of a signature whose length does not depend on the key; for others 64 (RFC 7518 section 3.1, RFC 8037). */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, ES384: 96, ES512: 132 };

/**
 * A token for this key of this issuer that is treated as a forged one to the end: it has a `kid`, since without one a newer
 * key set would be fetched, as much payload as usual, and a signature that takes as long to reject as any.
 */
export const decoyToken = (
  { alg, kid = 'decoy', key }: VerificationKey,
  iss?: string,
  tid?: unknown,
): string =>
  [
    base64url(bytes(JSON.stringify({ alg, kid }))),
    base64url(bytes(JSON.stringify({ iss, tid, padding: PADDING }))),
    signature(signatureBytes(alg, key)),
  ].join('.');

const signatureBytes = (alg: string, { algorithm }: CryptoKey): number =>
  'modulusLength' in algorithm ? Number(algorithm.modulusLength) / 8 : (SIGNATURE_BYTES[alg] ?? 64);

/** Random, but small enough for its group in either byte order: one out of range would be rejected at a glance. */
const signature = (length: number): string => {
  const random = crypto.getRandomValues(new Uint8Array(length));
  for (const i of [0, length / 2, length - 1]) random[i] = 0;
  return base64url(random);
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const PADDING = 'x'.repeat(200);
