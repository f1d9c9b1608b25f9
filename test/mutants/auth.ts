// What keeps a token that nobody should accept from being accepted.
import type { Mutant } from './mutant.ts';

const VERIFY = 'src/auth/verify.ts';
const VERIFIED = ['test/unit/verify.test.ts'];
const AUTHENTICATED = ['test/worker/authenticate.test.ts'];
const SOURCES = ['test/unit/sources.test.ts'];
const GATE = ['test/unit/failure-gate.test.ts'];

export const auth: readonly Mutant[] = [
  {
    guard: 'a token without `exp` is refused',
    file: VERIFY,
    from: "requiredClaims: ['exp'],",
    to: 'requiredClaims: [],',
    tests: VERIFIED,
  },
  {
    guard: 'a token issued in the future is refused',
    file: VERIFY,
    from: 'claims.iat === undefined || claims.iat <= now + demands.clockTolerance',
    to: 'true',
    tests: VERIFIED,
  },
  {
    guard: 'a token of another audience is refused',
    file: VERIFY,
    from: '...(audience.length > 0 && { audience: [...audience] }),',
    to: '',
    tests: VERIFIED,
  },
  {
    guard: 'a required claim is required',
    file: VERIFY,
    from: "if (!meets(claims, party.issuer.claims)) return refused('claim_required');",
    to: '',
    tests: AUTHENTICATED,
  },
  {
    guard: 'an extension that is not known is refused',
    file: VERIFY,
    from: ' && crit === undefined',
    to: '',
    tests: AUTHENTICATED,
  },
  {
    guard: 'a tenant is what the issuer template says, and nothing that looks like two',
    file: 'src/auth/issuers.ts',
    from: ' || !TENANT.test(tid)) return undefined;',
    to: ') return undefined;',
    tests: AUTHENTICATED,
  },
  {
    guard: 'the key of one tenant signs for no other',
    file: 'src/auth/issuers.ts',
    from: "keyIssuer.split('/').some((part) => part === tid)",
    to: 'true',
    tests: ['test/unit/issuers.test.ts'],
  },
  {
    guard: 'a private key is none to verify with',
    file: 'src/auth/keys/set.ts',
    from: "if (key.type !== 'public') return 'private';",
    to: '',
    tests: ['test/unit/key-set.test.ts'],
  },
  {
    guard: 'a key of 1024 bits is of no use',
    file: 'src/auth/keys/set.ts',
    from: "isWeakRsa(key) ? 'RSA below 2048 bits' : ",
    to: '',
    tests: ['test/unit/key-set.test.ts'],
  },
  {
    guard: "a cookie that another site's page sent is no token",
    file: 'src/auth/sources.ts',
    from: 'text !== undefined && isFromElsewhere(request, origins) ? undefined : text',
    to: 'text',
    tests: SOURCES,
  },
  {
    guard: 'two tokens in one source are none',
    file: 'src/auth/sources.ts',
    from: "values.join(', ') || undefined",
    to: 'values[0] || undefined',
    tests: SOURCES,
  },
  {
    guard: 'an address that fails too often gets a share',
    file: 'src/auth/failure-gate.ts',
    from: 'if (!this.isClosedTo(address)) return true;',
    to: 'return true;',
    tests: GATE,
  },
];
