// Why a caller is refused, by code: for the log and for `explain`, never for the client.

/** Codes for what is wrong with a caller's token, or with the means to check it. */
export type Reason =
  | 'token_missing'
  | 'token_malformed'
  | 'token_too_long'
  | 'token_encrypted'
  | 'token_opaque'
  | 'token_expired'
  | 'token_revoked'
  | 'issuer_unknown'
  | 'alg_not_allowed'
  | 'key_unknown'
  | 'signature_invalid'
  | `claim_${'typ' | 'aud' | 'exp' | 'nbf' | 'iat' | 'required' | 'too_long'}`
  | 'subject_unusable'
  | 'subject_too_long'
  | 'scope_missing'
  | 'keys_unavailable'
  | 'auth_failures';
