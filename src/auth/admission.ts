// Who may enter a route, once it is known who is calling. Pure.
import type { Route } from '../config/types.ts';
import type { Identity } from '../identity.ts';

/** Whether a route serves callers without a token. One that requires scopes does not: they come with a token only. */
export const admitsAnonymous = ({ auth, scopes }: Route): boolean =>
  auth === 'none' || (auth === 'optional' && scopes.length === 0);

/** The scopes that a route requires and the caller lacks. */
export const missingScopes = (identity: Identity, { scopes }: Route): readonly string[] =>
  scopes.length === 0 ? scopes : scopes.filter((scope) => !identity.scopes.has(scope));
