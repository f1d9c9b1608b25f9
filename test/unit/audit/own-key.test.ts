// A forger's key and what it signs must be good by every measure but that the API should not trust it.
import { importJWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../tools/audit/tokens/jwt.ts';
import { ownKey, signed } from '../../../tools/audit/tokens/own-key.ts';

describe('a token signed with a key of one’s own', () => {
  it.each(['RS256', 'RS384', 'PS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'is verified by that key: %s',
    async (alg) => {
      const { key, jwk } = ownKey(alg);
      const token = await signed(key, { alg }, encode({ sub: 'a' }));
      const { payload } = await jwtVerify(token, await importJWK(jwk, alg), { algorithms: [alg] });
      expect(payload.sub).toBe('a');
      expect(jwk).not.toHaveProperty('d');
    },
  );

  it('is one for ES256 where the algorithm is not known', () => {
    expect(ownKey('X1').jwk).toMatchObject({ alg: 'ES256', crv: 'P-256' });
  });
});
