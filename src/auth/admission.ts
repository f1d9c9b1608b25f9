// Who may enter a route, once it is known who is calling. Pure.
import type { Route } from '../config/types.ts';
import type { Identity } from '../identity.ts';

/** Where a token is optional; but nobody has scopes without one. */
export const admitsAnonymous = ({ auth, scopes }: Route): boolean =>
  auth === 'none' || (auth === 'optional' && scopes.length === 0);

/** The scopes that a route asks for and the caller has not. */
export const missingScopes = (identity: Identity, { scopes }: Route): readonly string[] =>
  scopes.length === 0 ? scopes : scopes.filter((scope) => !identity.scopes.has(scope));
