// Checks: tokens that nobody who holds the key has signed.
import { type JsonWebKey, randomBytes, randomUUID } from 'node:crypto';
import { jwtOf } from '../audit-context.ts';
import type { Check } from '../check.ts';
import { type Bait, openBait } from '../tokens/bait.ts';
import { encode, freshPayload, hmacSigned, type Jwt, randomSignature } from '../tokens/jwt.ts';
import { asSecrets } from '../tokens/keys.ts';
import { ownKey, signed } from '../tokens/own-key.ts';
import { failed, type Verdict } from '../types.ts';
import { allRefused, withToken } from './attempts.ts';

const forgery = {
  severity: 'high',
  owasp: 'API2:2023',
  needs: ['jwt', 'protected'],
} as const;

const NONE = ['none', 'None', 'NONE', 'nOnE', ''];

const algNone: Check = {
  ...forgery,
  id: 'tokens.alg-none',
  title: 'A token that says it needs no signature is refused',
  rfc: 'RFC 8725 section 3.2',
  why: 'With "alg":"none" accepted in any spelling, anybody writes a token for anybody.',
  fix: 'Name the accepted algorithms in the verifier; never take them from the token.',
  requests: NONE.length + 1,
  run(audit) {
    const jwt = jwtOf(audit);
    const unsigned = (alg: string) => `${encode({ ...jwt.header, alg })}.${freshPayload(jwt)}.`;
    return allRefused(audit, [
      ...NONE.map((alg) => withToken(`alg "${alg}"`, unsigned(alg))),
      // For those who look at the form before they look at the algorithm.
      withToken('alg "none" over a random signature', unsigned('none') + randomSignature(jwt)),
    ]);
  },
};

const tampered: Check = {
  ...forgery,
  id: 'tokens.tampered',
  title: 'A token whose claims were changed is refused',
  rfc: 'RFC 8725 section 3.3',
  why: 'If the signature is not checked over the claims in use, any token can be turned into anybody’s.',
  fix: 'Verify the signature over header and payload as received; key every cache of results by the whole token.',
  requests: 3,
  run(audit) {
    const jwt = jwtOf(audit);
    const [header, payload, signature] = jwt.parts;
    const changed = (claims: Record<string, unknown>) => encode({ ...jwt.payload, ...claims });
    return allRefused(audit, [
      withToken(
        'another subject under the old signature',
        `${header}.${changed({ sub: `audit-${randomUUID()}` })}.${signature}`,
      ),
      withToken(
        'one more claim under the old signature',
        `${header}.${changed({ audit: true })}.${signature}`,
      ),
      withToken('the old claims under a random signature', `${header}.${payload}.${randomSignature(jwt)}`),
    ]);
  },
};

const stripped: Check = {
  ...forgery,
  id: 'tokens.stripped',
  title: 'A token without its signature is refused',
  rfc: 'RFC 8725 section 3.3',
  why: 'Some verifiers take an empty signature for a token that is not signed, and let it pass.',
  fix: 'Require three non-empty parts.',
  requests: 2,
  run(audit) {
    const [header, payload] = jwtOf(audit).parts;
    return allRefused(audit, [
      withToken('an empty signature', `${header}.${payload}.`),
      withToken('two parts', `${header}.${payload}`),
    ]);
  },
};

const confusion: Check = {
  ...forgery,
  id: 'tokens.hs256-public-key',
  title: 'A token signed by HS256 with the public key is refused',
  rfc: 'RFC 8725 section 3.1',
  why: 'A verifier that lets the token choose the algorithm uses the public key, which everybody has, as an HMAC secret.',
  fix: 'One algorithm per key; never HS* beside a public key.',
  needs: ['jwt', 'protected', 'public-key'],
  requests: 4,
  run(audit) {
    const jwt = jwtOf(audit);
    const forms = ['PEM', 'PEM without the last line end', 'DER', 'JWK'];
    const attempts = audit.publicKeys
      .slice(0, 3)
      .flatMap((key) =>
        asSecrets(key).map((secret, i) =>
          withToken(`HS256 by the ${forms[i]}`, hmacSigned(jwt.header, freshPayload(jwt), secret)),
        ),
      );
    return allRefused(audit, attempts);
  },
};

/** A key of the forger's own, as the token would bring it, and what it signs. */
interface Forger {
  readonly jwk: JsonWebKey & { readonly alg: string; readonly kid: string };
  token(header: Record<string, unknown>, payload: string): Promise<string>;
}

/** Signs by the algorithm of the token given, which is the one that the API accepts. */
const forgerFor = (jwt: Jwt): Forger => {
  const alg = String(jwt.header.alg);
  const kid = `audit-${randomUUID()}`;
  if (/^HS\d/.test(alg)) return secretForger(kid);
  const { key, jwk } = ownKey(alg);
  return {
    jwk: { ...jwk, use: 'sig', kid },
    token: (header, payload) => signed(key, { kid, ...header, alg: jwk.alg }, payload),
  };
};

const secretForger = (kid: string): Forger => {
  const secret = randomBytes(32);
  return {
    jwk: { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256', kid },
    token: async (header, payload) => hmacSigned({ kid, ...header }, payload, secret),
  };
};

const embeddedKey: Check = {
  ...forgery,
  id: 'tokens.embedded-jwk',
  title: 'A token that brings its own key is refused',
  rfc: 'RFC 8725 section 3.10; RFC 7515 section 4.1.3',
  why: 'The key in a token’s header is its author’s. To trust it is to trust whoever wrote the token.',
  fix: 'Take keys from the issuer’s key set only; ignore `jwk` and `x5c`.',
  requests: 2,
  async run(audit) {
    const jwt = jwtOf(audit);
    const { jwk, token } = forgerFor(jwt);
    const forged = (header: Record<string, unknown>) => token({ ...header, jwk }, freshPayload(jwt));
    const own = withToken('own key in the jwk header', await forged({ typ: jwt.header.typ }));
    const under = withToken('the same under the id of the real key', await forged({ ...jwt.header }));
    return allRefused(audit, jwt.header.kid === undefined ? [own] : [own, under]);
  },
};

/** A check that the API does not follow an address in the token's header. */
const followed = (name: 'jku' | 'x5u', rfc: string, address: (bait: Bait) => string): Check => ({
  ...forgery,
  id: `tokens.${name}`,
  title: `The address in a token’s ${name} header is not followed`,
  owasp: 'API7:2023, API2:2023',
  rfc: `RFC 8725 section 3.10; ${rfc}`,
  why: 'Whoever writes the token then chooses the key, or makes the API call addresses inside its own network.',
  fix: `Never fetch what a token names; ignore \`${name}\`.`,
  needs: ['jwt', 'protected', 'loopback'],
  requests: 1,
  async run(audit) {
    const jwt = jwtOf(audit);
    const own = forgerFor(jwt);
    const bait = await openBait(own.jwk);
    audit.onClose(bait.close);
    const token = await own.token({ [name]: address(bait) }, freshPayload(jwt));
    const verdict = await allRefused(audit, [withToken(`${name} with an address of the audit’s own`, token)]);
    return bait.visits() === 0 ? verdict : fetched(verdict, bait.visits());
  },
});

const fetched = (verdict: Verdict, visits: number): Verdict =>
  failed(verdict.sent, `the API fetched that address (${visits} ×); ${verdict.seen}`);

const UNION_SECRET = 'weir-audit';
/** What every Linux has in this file: verifiers that take no empty secret take this. */
const KNOWN_FILE = ['/proc/sys/kernel/ostype', 'Linux\n'] as const;
const UP = '../'.repeat(8).slice(0, -1);

/** A UNION of as many columns as the query may have. */
const union = (columns: number): string => Array(columns).fill(`'${UNION_SECRET}'`).join(', ');

const KIDS: readonly [what: string, kid: string, secret: string][] = [
  ['kid with a path to an empty file', `${UP}/dev/null`, ''],
  ['kid with an absolute path', '/dev/null', ''],
  ['kid with a path and a null byte', `${UP}/dev/null\0.pem`, ''],
  ['kid with a path to a file that all know', `${UP}${KNOWN_FILE[0]}`, KNOWN_FILE[1]],
  ['kid with SQL (text)', `x' UNION SELECT ${union(1)} -- `, UNION_SECRET],
  ['kid with SQL (two columns)', `x' UNION SELECT ${union(2)} -- `, UNION_SECRET],
  ['kid with SQL (three columns)', `x' UNION SELECT ${union(3)} -- `, UNION_SECRET],
  ['kid with SQL (number)', `0 UNION SELECT ${union(1)} -- `, UNION_SECRET],
];

const kid: Check = {
  ...forgery,
  id: 'tokens.kid-injection',
  title: 'A key id with a path or SQL in it finds no key',
  owasp: 'API2:2023, API8:2023',
  rfc: 'RFC 8725 section 3.10',
  why: 'A kid that reaches a file name or a query lets the caller choose the key, or read the database.',
  fix: 'Compare the kid with the ids of the keys you hold; do nothing else with it.',
  requests: KIDS.length,
  run(audit) {
    const jwt = jwtOf(audit);
    return allRefused(
      audit,
      KIDS.map(([what, value, secret]) =>
        withToken(what, hmacSigned({ ...jwt.header, kid: value }, freshPayload(jwt), secret)),
      ),
    );
  },
};

export const forgedTokenChecks: readonly Check[] = [
  algNone,
  tampered,
  stripped,
  confusion,
  embeddedKey,
  followed('jku', 'RFC 7515 section 4.1.2', ({ keySetUrl }) => keySetUrl),
  followed('x5u', 'RFC 7515 section 4.1.5', ({ certificateUrl }) => certificateUrl),
  kid,
];
