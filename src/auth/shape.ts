// What a token is by its shape alone. No crypto, no decoding.
import type { Reason } from './reasons.ts';

/** Longest token looked into, in characters (all ASCII, so bytes too): twice what Entra makes of 130 groups. */
export const MAX_TOKEN_LENGTH = 16_384;

/** Compact serialisation of a signed token (RFC 7515 section 3.1): three parts, none empty. */
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Of an encrypted one (RFC 7516 section 3.1): five, of which the key's may be empty. */
const ENCRYPTED = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;
/** Without any dot it is not a JWT, but a word that only its issuer can look up; or what a client without a token sends. */
const OPAQUE = /^(?!(?:null|undefined)$)[\w~+/-]+=*$/;

/** Why a text is no signed token, for the log; undefined where it looks like one. */
export const shapeFlaw = (text: string): Reason | undefined => {
  if (text.length > MAX_TOKEN_LENGTH) return 'token_too_long';
  if (SIGNED.test(text)) return undefined;
  if (ENCRYPTED.test(text)) return 'token_encrypted';
  return OPAQUE.test(text) ? 'token_opaque' : 'token_malformed';
};
