// What a token is by its shape alone. No crypto, no decoding.
import type { Reason } from './reasons.ts';

/** Longest token accepted, in characters (all ASCII, so bytes too): twice as long as one of Entra's with 130 groups. */
export const MAX_TOKEN_LENGTH = 16_384;

/** Compact serialisation of a signed token (RFC 7515 section 3.1): three parts, none empty. */
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Of an encrypted one (RFC 7516 section 3.1): five, of which the key's may be empty. */
const ENCRYPTED = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;
/** Without a dot: an opaque token, which only its issuer can look up. Clients without a token send `null` or `undefined`. */
const OPAQUE = /^(?!(?:null|undefined)$)[\w~+/-]+=*$/;

/** Why a text is not a signed token, for the log; undefined where it looks like one. */
export const shapeFlaw = (text: string): Reason | undefined => {
  if (text.length > MAX_TOKEN_LENGTH) return 'token_too_long';
  if (SIGNED.test(text)) return undefined;
  if (ENCRYPTED.test(text)) return 'token_encrypted';
  return OPAQUE.test(text) ? 'token_opaque' : 'token_malformed';
};
