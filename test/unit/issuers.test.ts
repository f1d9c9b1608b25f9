// Whose keys sign for which tenant, in a key set that serves all of them.
import { expect, test } from 'vitest';
import { mayKeySign } from '../../src/auth/issuers.ts';

const LOGIN = 'https://login.microsoftonline.com';

test.each([
  ['of no issuer', undefined, 'one', true],
  ['of every tenant', `${LOGIN}/{tenantid}/v2.0`, 'one', true],
  ['of the token’s tenant', `${LOGIN}/one/v2.0`, 'one', true],
  ['of another tenant', `${LOGIN}/one/v2.0`, 'two', false],
  ['of a tenant whose name begins alike', `${LOGIN}/one/v2.0`, 'on', false],
  ['of one tenant, for a token of none', `${LOGIN}/one/v2.0`, undefined, false],
])('a key %s signs or does not', (_whose, keyIssuer, tid, signs) => {
  expect(mayKeySign(keyIssuer, { tid })).toBe(signs);
});
