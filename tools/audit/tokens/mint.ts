// Makes properly signed tokens with the user's own signing key, modelled on the token given.
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Jwt } from './jwt.ts';
import type { SigningKey } from './keys.ts';

const HOUR_SECONDS = 3600;

/** A token like `model`, valid for an hour, but for `claims`; an undefined claim is left out. */
export const mint = (
  model: Jwt,
  signingKey: SigningKey,
  claims: Record<string, unknown> = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const { nbf: _, ...payload } = model.payload;
  const alg = signingKey.alg ?? String(model.header.alg);
  const kid = signingKey.kid ?? model.header.kid;
  return new SignJWT({ ...payload, iat: now, exp: now + HOUR_SECONDS, jti: randomUUID(), ...claims })
    .setProtectedHeader({ ...model.header, alg, ...(kid === undefined ? {} : { kid: String(kid) }) })
    .sign(signingKey.key);
};
