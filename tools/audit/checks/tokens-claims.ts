// Checks: tokens that are signed well and are still not good here and now. They need the signing key.
import { type Audit, isBroken, jwtOf } from '../audit-context.ts';
import { canMint } from '../callers.ts';
import type { Check } from '../check.ts';
import { Inconclusive } from '../stop.ts';
import { badlySigned } from '../tokens/jwt.ts';
import { failed, measured, passed, skipped, type Verdict } from '../types.ts';
import { type Attempt, allRefused, answersTo, withToken } from './attempts.ts';

const HOUR = 3600;

/** Runs `attempts` only if a good token of the same key is accepted: else their refusal would show nothing. */
const signed = async (audit: Audit, attempts: (now: number) => Promise<Attempt[]>): Promise<Verdict> =>
  (await canMint(audit))
    ? allRefused(audit, await attempts(Math.floor(Date.now() / 1000)))
    : skipped(
        'even a good token by --signing-key is refused, so the refusal of a bad one would show nothing',
      );

const claims = {
  severity: 'high',
  owasp: 'API2:2023',
  needs: ['jwt', 'protected', 'signing-key'],
} as const;

/** Once for both checks that build on it. */
const expiredVerdict = (audit: Audit): Promise<Verdict> =>
  audit.once('expired', () =>
    signed(audit, async (now) => [
      withToken('expired an hour ago', await audit.mint({ iat: now - 2 * HOUR, exp: now - HOUR })),
    ]),
  );

const expired: Check = {
  ...claims,
  id: 'tokens.expired',
  title: 'A token that has expired is refused',
  rfc: 'RFC 7519 section 4.1.4',
  why: 'A token that leaked is then good for ever.',
  fix: 'Check `exp`, and allow a few seconds of clock difference at most.',
  requests: 3,
  run: expiredVerdict,
};

const noExpiry: Check = {
  ...claims,
  id: 'tokens.no-expiry',
  severity: 'low',
  title: 'A token without an expiry is refused',
  rfc: 'RFC 9068 section 2.2',
  why: 'An issuer’s slip, or a script that has the key, makes a token that never ends.',
  fix: 'Require `exp` in the verifier, and bound the age by `iat`.',
  requests: 2,
  async run(audit) {
    if ((await expiredVerdict(audit)).outcome !== 'passed')
      throw new Inconclusive('even an expired token is not refused, so this would be no other fault');
    return signed(audit, async () => [withToken('without exp', await audit.mint({ exp: undefined }))]);
  },
};

const notYet: Check = {
  ...claims,
  id: 'tokens.not-yet-valid',
  severity: 'medium',
  title: 'A token that is not valid yet is refused',
  rfc: 'RFC 7519 section 4.1.5',
  why: 'An issuer that dates tokens ahead (a trial, a planned access) relies on it.',
  fix: 'Check `nbf` where it is present.',
  requests: 3,
  run: (audit) =>
    signed(audit, async (now) => [
      withToken('nbf in an hour', await audit.mint({ nbf: now + HOUR, exp: now + 2 * HOUR })),
    ]),
};

const audience: Check = {
  ...claims,
  id: 'tokens.wrong-audience',
  title: 'A token made for another API is refused',
  rfc: 'RFC 8725 section 3.9',
  why: 'Else whoever runs one API of the same issuer replays the tokens it is sent here, in their callers’ names.',
  fix: 'Set the audience of this API in the verifier and compare it exactly.',
  requests: 4,
  async run(audit) {
    const another = withToken('another audience', await audit.mint({ aud: 'https://weir-audit.invalid' }));
    if (audit.jwt?.payload.aud === undefined) return withoutAudience(audit, another);
    return signed(audit, async () => [
      another,
      withToken('without audience', await audit.mint({ aud: undefined })),
    ]);
  },
};

/** Where the good token names no audience, the API need not know one: then only a refusal says something. */
const withoutAudience = async (audit: Audit, another: Attempt): Promise<Verdict> => {
  const verdict = await signed(audit, async () => [another]);
  if (verdict.outcome === 'failed')
    throw new Inconclusive('the token given names no audience, so which one the API expects cannot be told');
  return verdict;
};

const serverError: Check = {
  ...claims,
  id: 'tokens.server-error',
  severity: 'medium',
  owasp: 'API8:2023',
  title: 'A well-formed token that is not accepted gets a refusal, not a server error',
  rfc: 'RFC 6750 section 3.1; RFC 9110 section 15.6',
  why: 'An error that nobody catches writes a stack trace for each bad token, hides real failures among them, and tells a client to try again.',
  fix: 'Catch what the verifier throws in one place, and answer with the one 401.',
  needs: ['jwt', 'protected'],
  requests: 1,
  async run(audit) {
    const forged = await answersTo(audit, [withToken('a bad signature', badlySigned(jwtOf(audit)))]);
    const sent = 'a badly signed token, and those of the checks before';
    const broken = [
      ...audit.broken,
      ...forged
        .filter(({ exchange }) => isBroken(exchange))
        .map(({ what, exchange }) => ({ what, status: exchange.status })),
    ];
    if (broken.length > 0) return failed(sent, brokenText(broken));
    return passed(sent, `${forged[0]?.exchange.status}`, measured('answers', forged.length));
  },
};

const MOST_NAMED = 4;

const brokenText = (broken: Audit['broken']): string => {
  const named = broken.slice(0, MOST_NAMED).map(({ what, status }) => `${status} for ${what}`);
  const rest = broken.length - named.length;
  return named.join('; ') + (rest > 0 ? `; and for ${rest} more` : '');
};

export const claimChecks: readonly Check[] = [expired, noExpiry, notYet, audience, serverError];
