// Checks: tokens that nobody who holds the key has signed.
import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Audit } from '../audit-context.ts';
import type { Check } from '../check.ts';
import { Inconclusive } from '../stop.ts';
import { type Bait, openBait } from '../tokens/bait.ts';
import { encode, freshPayload, hmacSigned, type Jwt, randomSignature } from '../tokens/jwt.ts';
import { asSecrets } from '../tokens/keys.ts';
import { failed, type Verdict } from '../types.ts';
import { allRefused, withToken } from './attempts.ts';

/** The main token's parts; checks that call this have `jwt` among their needs. */
export const jwtOf = (audit: Audit): Jwt => {
  if (audit.jwt === undefined) throw new Inconclusive('the token is not a JWT');
  return audit.jwt;
};

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
  requests: NONE.length,
  run(audit) {
    const jwt = jwtOf(audit);
    const token = (alg: string) => `${encode({ ...jwt.header, alg })}.${freshPayload(jwt)}.`;
    return allRefused(
      audit,
      NONE.map((alg) => withToken(`alg "${alg}"`, token(alg))),
    );
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
    const attempts = audit.credentials.publicKeys
      .slice(0, 3)
      .flatMap((key) =>
        asSecrets(key).map((secret, i) =>
          withToken(`HS256 by the ${forms[i]}`, hmacSigned(jwt.header, freshPayload(jwt), secret)),
        ),
      );
    return allRefused(audit, attempts);
  },
};

/** A key pair of the forger's own, and what it signs (ES256). */
interface Forger {
  readonly jwk: JsonWebKey;
  token(jwt: Jwt, header: Record<string, unknown>): string;
}

const forger = (): Forger => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = {
    ...publicKey.export({ format: 'jwk' }),
    alg: 'ES256',
    use: 'sig',
    kid: `audit-${randomUUID()}`,
  };
  return {
    jwk,
    token: (jwt, header) => es256(privateKey, { ...header, alg: 'ES256', kid: jwk.kid }, freshPayload(jwt)),
  };
};

const es256 = (key: KeyObject, header: Record<string, unknown>, payload: string): string => {
  const input = `${encode(header)}.${payload}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
};

const embeddedKey: Check = {
  ...forgery,
  id: 'tokens.embedded-jwk',
  title: 'A token that brings its own key is refused',
  rfc: 'RFC 8725 section 3.10; RFC 7515 section 4.1.3',
  why: 'The key in a token’s header is its author’s. To trust it is to trust whoever wrote the token.',
  fix: 'Take keys from the issuer’s key set only; ignore `jwk` and `x5c`.',
  requests: 1,
  run(audit) {
    const own = forger();
    return allRefused(audit, [
      withToken('own key in the jwk header', own.token(jwtOf(audit), { jwk: own.jwk })),
    ]);
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
    const own = forger();
    const bait = await openBait(own.jwk);
    audit.onClose(bait.close);
    const token = own.token(jwtOf(audit), { [name]: address(bait) });
    const verdict = await allRefused(audit, [withToken(`${name} with an address of the audit’s own`, token)]);
    return bait.visits() === 0 ? verdict : fetched(verdict, bait.visits());
  },
});

const fetched = (verdict: Verdict, visits: number): Verdict =>
  failed(verdict.sent, `the API fetched that address (${visits} ×); ${verdict.seen}`);

const UNION_SECRET = 'weir-audit';
const KIDS: readonly [what: string, kid: string, secret: string][] = [
  ['kid with a path to an empty file', '../../../../../../../../dev/null', ''],
  ['kid with an absolute path', '/dev/null', ''],
  ['kid with a path and a null byte', '../../../../../../dev/null\0.pem', ''],
  ['kid with SQL (text)', `x' UNION SELECT '${UNION_SECRET}' -- `, UNION_SECRET],
  ['kid with SQL (number)', `0 UNION SELECT '${UNION_SECRET}' -- `, UNION_SECRET],
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
