// What to do about each refusal, in words for whoever runs the API.
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { MAX_SUBJECT_LENGTH } from '../../src/auth/claims.ts';
import { issuerName } from '../../src/auth/issuers.ts';
import type { Reason } from '../../src/auth/reasons.ts';
import { MAX_TOKEN_LENGTH, shapeFlaw } from '../../src/auth/shape.ts';
import type { ClaimPath, Config, Issuer, Route } from '../../src/config/types.ts';

/** What is known of a refused request. */
export interface Refused {
  readonly config: Config;
  readonly route: Route;
  /** As it stands in the request; undefined where there is none. */
  readonly token: string | undefined;
  readonly missing: readonly string[];
}

/** A refused request with what can be read of its token. */
interface Read extends Refused {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: JWTPayload;
  readonly issuer: Issuer | undefined;
}

interface Advice {
  readonly why: (refused: Read) => string;
  readonly fix: (refused: Read) => string;
}

/** Why the request is refused, and what to do. */
export const adviceOn = (
  reason: Reason,
  refused: Refused,
): { readonly why: string; readonly fix: string } => {
  const { why, fix } = ADVICE[reason];
  const read = readOf(refused);
  return { why: why(read), fix: fix(read) };
};

const readOf = (refused: Refused): Read => {
  const { token = '', config } = refused;
  const readable = shapeFlaw(token) === undefined;
  const claims = (readable && attempt(() => decodeJwt(token))) || {};
  const header = (readable && attempt(() => decodeProtectedHeader(token))) || {};
  const issuer = config.tokens.issuers.find((each) => issuerName(each, claims) !== undefined);
  return { ...refused, claims, header, issuer };
};

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 100) ?? String(value));
const time = (seconds: unknown): string =>
  typeof seconds === 'number' && Math.abs(seconds) <= 8.64e12
    ? new Date(seconds * 1000).toISOString()
    : shown(seconds);
const names = (paths: readonly ClaimPath[]): string => paths.map((path) => path.join('.')).join(', ');
const listed = (values: readonly unknown[]): string => values.join(', ');

const CLOCK =
  'Check the clocks of the issuer and of the client; CLOCK_TOLERANCE_SECONDS allows for at most 300 seconds.';
const NEW_TOKEN = 'Get a new token from the issuer.';

const ADVICE: Readonly<Record<Reason, Advice>> = {
  token_missing: {
    why: () => 'the route requires a token, and there is none',
    fix: ({ config }) =>
      `Send one in ${listed(config.tokens.sources.map(({ kind, name }) => `${kind}:${name}`))}; set TOKEN_SOURCES where it stands elsewhere, or \`auth = "optional"\` on the route.`,
  },
  token_malformed: {
    why: ({ token = '' }) =>
      `it is not a JWT${token === 'null' || token === 'undefined' ? `, but the word ${token}` : ''}`,
    fix: ({ token = '' }) =>
      token.includes(',')
        ? 'Send one token; there are several in one place.'
        : 'Send the three parts of a signed JWT, as the issuer made them: no quotes, no padding, no `crit`. A client without a token should send no header at all.',
  },
  token_too_long: {
    why: ({ token = '' }) => `it has ${token.length} characters, more than ${MAX_TOKEN_LENGTH}`,
    fix: () =>
      'Have the issuer put fewer claims into it: groups that are assigned to the application alone, or roles in their place.',
  },
  token_encrypted: {
    why: () => 'it is encrypted (RFC 7516: five parts), so nobody but its recipient can read it',
    fix: () =>
      'Have the issuer sign access tokens without encrypting them; with Auth0, remove the encryption key of the API.',
  },
  token_opaque: {
    why: () => 'it is opaque: not a JWT, but a reference that only its issuer can look up',
    fix: () =>
      'Ask the issuer for a JWT: with Auth0 name the `audience` of your API in the request, with Okta use a custom authorization server, with Google send the ID token, with Ory Hydra set `strategies.access_token` to `jwt`.',
  },
  token_expired: {
    why: ({ claims, config }) =>
      config.tokens.maxAgeSeconds !== undefined && Number(claims.exp) * 1000 > Date.now()
        ? `it was issued at ${time(claims.iat)}, and is older than ${config.tokens.maxAgeSeconds} seconds`
        : `it expired at ${time(claims.exp)}`,
    fix: () => NEW_TOKEN,
  },
  token_revoked: {
    why: () => 'it was revoked',
    fix: () => 'Lift the revocation (`npm run weir -- --help`), or log in again.',
  },
  issuer_unknown: {
    why: ({ claims }) => `its issuer ${shown(claims.iss).replaceAll('"', '')} is not trusted`,
    fix: ({ claims, config }) =>
      `Trusted ${config.tokens.issuers.length === 1 ? 'is' : 'are'} ${listed(config.tokens.issuers.map(({ issuer }) => issuer))}. Set JWT_ISSUER to ${shown(claims.iss)} to the letter, a slash at the end included, or add it to ISSUERS.`,
  },
  alg_not_allowed: {
    why: ({ header, issuer }) => `its alg ${header.alg} is not one of ${listed(issuer?.algorithms ?? [])}`,
    fix: ({ header }) =>
      String(header.alg).startsWith('HS')
        ? 'A token signed with a shared secret needs JWT_SECRET; or have the issuer sign with a private key.'
        : `Add it to JWT_ALGORITHMS if your issuer signs with it${header.alg === 'none' ? '; `none` is never accepted' : ''}.`,
  },
  key_unknown: {
    why: ({ header }) => `no key of its issuer has the kid ${shown(header.kid)} and fits ${header.alg}`,
    fix: () =>
      'Compare the `kid` of the token with the key set of the issuer; a token of another environment has keys of its own.',
  },
  signature_invalid: {
    why: () => 'its signature does not match the key',
    fix: ({ header }) =>
      String(header.alg).startsWith('HS')
        ? 'Compare the secrets. A secret of bytes in base64 needs JWT_SECRET_ENCODING.'
        : 'The key is that of another issuer or environment, or the token was changed on its way.',
  },
  claim_typ: {
    why: ({ header, issuer }) => `its typ is ${header.typ}, not ${issuer?.typ}`,
    fix: () => 'Send the access token, not the ID token; or unset JWT_TYP, since many issuers send `JWT`.',
  },
  claim_aud: {
    why: ({ claims, issuer }) =>
      claims.aud === undefined
        ? `it has no aud, and must be for ${listed(issuer?.audience ?? [])}`
        : `it is for the audience ${[claims.aud].flat().join(', ')}, not for ${listed(issuer?.audience ?? [])}`,
    fix: ({ claims }) =>
      claims.aud === undefined && claims.client_id !== undefined
        ? 'Tokens of this issuer name the client instead (Cognito): unset JWT_AUDIENCE, and set REQUIRED_CLAIMS = { client_id = "…" }.'
        : 'Ask the issuer for a token for this API, or add the value to JWT_AUDIENCE if it means this API.',
  },
  claim_exp: {
    why: ({ claims }) =>
      claims.exp === undefined ? 'it has no exp' : `its exp is ${shown(claims.exp)}, not a number of seconds`,
    fix: () => 'Have the issuer set `exp`; Weir accepts no token that never expires.',
  },
  claim_nbf: {
    why: ({ claims }) =>
      typeof claims.nbf === 'number'
        ? `it is not valid before ${time(claims.nbf)}`
        : `its nbf is ${shown(claims.nbf)}, not a number of seconds`,
    fix: () => CLOCK,
  },
  claim_iat: {
    why: ({ claims }) => {
      if (claims.iat === undefined) return 'it has no iat, which MAX_TOKEN_AGE_SECONDS needs';
      return typeof claims.iat === 'number'
        ? `it was issued at ${time(claims.iat)}, which is to come`
        : `its iat is ${shown(claims.iat)}, not a number of seconds`;
    },
    fix: ({ claims }) =>
      claims.iat === undefined ? 'Have the issuer set `iat`, or unset MAX_TOKEN_AGE_SECONDS.' : CLOCK,
  },
  claim_required: {
    why: ({ issuer }) =>
      `it does not meet REQUIRED_CLAIMS: ${(issuer?.claims ?? []).map(({ claim, values }) => `${claim.join('.')} = ${values.join(' or ')}`).join('; ')}`,
    fix: ({ claims, issuer }) =>
      `The token has ${(issuer?.claims ?? []).map(({ claim: [name = ''] }) => `${name} = ${shown(claims[name])}`).join(', ')}. If it is from a client that you trust, add the value to REQUIRED_CLAIMS.`,
  },
  claim_too_long: {
    why: () => 'a claim that CLAIM_HEADERS sends is longer than a header may be, 8,192 bytes',
    fix: () => 'Send a shorter claim, or have the origin read the token.',
  },
  subject_unusable: {
    why: ({ config }) => `none of ${names(config.tokens.subjectClaims)} is a text or a whole number`,
    fix: ({ claims }) =>
      `Set SUBJECT_CLAIM to a claim that tells callers apart; the token has ${listed(Object.keys(claims))}.`,
  },
  subject_too_long: {
    why: () => `its subject has more than ${MAX_SUBJECT_LENGTH} characters`,
    fix: () => 'Set SUBJECT_CLAIM to a shorter claim that tells callers apart.',
  },
  scope_missing: {
    why: ({ missing }) => `the token lacks the scope ${missing.join(' ')}`,
    fix: ({ config }) =>
      `Ask the issuer for it. Scopes are read from the first of ${names(config.tokens.scopeClaims)}; set SCOPE_CLAIM where they stand elsewhere.`,
  },
  keys_unavailable: {
    why: () => 'no key of its issuer is available',
    fix: () => '`npm run check -- --live` says what is wrong with the metadata or the key set.',
  },
  auth_failures: { why: () => 'its address fails authentication too often', fix: () => 'Wait a second.' },
};
