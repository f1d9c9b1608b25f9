// Checks: tokens that are signed well and are still not good here and now. They need the signing key.
import type { Audit } from '../audit-context.ts';
import { canMint } from '../callers.ts';
import type { Check } from '../check.ts';
import { skipped, type Verdict } from '../types.ts';
import { type Attempt, allRefused, withToken } from './attempts.ts';

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

const expired: Check = {
  ...claims,
  id: 'tokens.expired',
  title: 'A token that has expired is refused',
  rfc: 'RFC 7519 section 4.1.4',
  why: 'A token that leaked is then good for ever.',
  fix: 'Require `exp`, and allow a few seconds of clock difference at most.',
  requests: 4,
  run: (audit) =>
    signed(audit, async (now) => [
      withToken('expired an hour ago', await audit.mint({ iat: now - 2 * HOUR, exp: now - HOUR })),
      withToken('without exp', await audit.mint({ exp: undefined })),
    ]),
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
  run: (audit) =>
    signed(audit, async () => [
      withToken('another audience', await audit.mint({ aud: 'https://weir-audit.invalid' })),
      withToken('without audience', await audit.mint({ aud: undefined })),
    ]),
};

export const claimChecks: readonly Check[] = [expired, notYet, audience];
