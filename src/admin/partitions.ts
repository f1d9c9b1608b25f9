// Validated strings -> whom a request of the admin API is about and what it asks for. Throws an `Invalid`.
import { decodeJwt } from 'jose';
import { identityOf, MAX_SUBJECT_LENGTH } from '../auth/claims.ts';
import { issuerName, subjectIssuer } from '../auth/issuers.ts';
import { parseLimits } from '../config/notation.ts';
import type { Config } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { described } from '../lib/issue.ts';
import type { Override, TimeMark, TokenMark } from '../limiter/standing.ts';
import { addressPartition, subjectPartition } from '../partition.ts';
import { invalid } from './invalid.ts';
import { EXPECTED } from './schemas.ts';

/** Members of a query or body, every one a string. */
export type Input = Readonly<Record<string, string | undefined>>;

/** A request of the admin API whose strings fit the schemas. */
export interface AdminRequest {
  readonly config: Config;
  readonly query: Input;
  readonly body: Input;
  readonly now: number;
}

/** A partition and how the answer names it. */
export interface Subject {
  readonly partition: string;
  readonly names: Input;
  /** Whose policies an override replaces: `default` for a subject, `anonymous` for an address. */
  readonly scope: OverrideScope;
  /** Its name in the log, where that is known already. */
  readonly name?: string;
}

export type OverrideScope = 'default' | 'anonymous';

const TEN_YEARS_MS = 10 * 366 * 86_400_000;

/** How far a client's clock may be ahead of ours. */
const CLOCK_MS = 60_000;

/** The largest `CLOCK_TOLERANCE_SECONDS`: no configuration accepts an expired token for longer. */
const TOLERANCE_MS = 300_000;

/** A subject of a configured issuer: a revocation under a mistyped one would do nothing, unnoticed. */
export const subjectOf = ({ config, query }: AdminRequest): Subject => {
  const { issuers } = config.tokens;
  const [{ issuer: only = '' } = {}, ...more] = issuers;
  const { subject = '', issuer: named = more.length === 0 ? only : undefined } = query;
  const issuer = named === undefined ? undefined : subjectIssuer(issuers, named);
  if (issuer === undefined)
    throw invalid('issuer', `one of ${issuers.map((each) => each.issuer).join(', ')}`);
  return { partition: subjectPartition(issuer, subject), names: { issuer, subject }, scope: 'default' };
};

export const addressOf = ({ query: { address = '' } }: AdminRequest): Subject => {
  const v6 = address.includes(':');
  const url = URL.parse(v6 ? `http://[${address}]` : `http://${address}`);
  if (!/^[\da-f:]*[\d.]*$/i.test(address) || url === null || !(v6 || url.hostname === address))
    throw invalid('address', EXPECTED.address);
  return { partition: addressPartition(address), names: { address }, scope: 'anonymous' };
};

/** The mark that a body asks for, and whose tokens it is on. Without `until` one of `jti` or `before` never ends. */
export const markOf = (
  request: AdminRequest,
): { readonly mark: TokenMark | TimeMark; readonly query: Input } => {
  const { query, body, now } = request;
  const { token, jti, before = '' } = body;
  if ([token, jti, body.before].filter((given) => given !== undefined).length !== 1)
    throw invalid('jti', 'this or `token` or `before`, and only one');
  if (token !== undefined) return tokenMarkOf(request, token);
  if (query.subject === undefined && query.partition === undefined)
    throw invalid('subject', `1 to ${MAX_SUBJECT_LENGTH} characters`);
  const until = body.until === undefined ? Number.POSITIVE_INFINITY : untilOf(request);
  if (jti !== undefined) return { query, mark: { jti, until } };
  const time = before === 'now' ? now : timeOf(before);
  if (!(time <= now + CLOCK_MS)) throw invalid('before', EXPECTED.before);
  return { query, mark: { before: time, until } };
};

/** NaN where it is none. */
const timeOf = (text: string): number =>
  /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;

/** The token says whose it is, which id it has and when it expires. */
const tokenMarkOf = ({ config, query, body }: AdminRequest, token: string) => {
  if (body.until !== undefined) throw invalid('until', 'none: the token says when it expires');
  const { issuer, subject, exp, jti = '' } = readToken(config, token);
  if (jti === '' || jti.length > 255)
    throw invalid('token', 'a token with a `jti` of 1 to 255 characters; all others are revoked by `before`');
  if ((query.subject ?? subject) !== subject || (query.issuer ?? issuer) !== issuer)
    throw invalid('subject', 'that of the token, or none');
  return { query: { issuer, subject }, mark: { jti, until: exp * 1000 + TOLERANCE_MS } };
};

/** Not verified: an operator may revoke what its issuer no longer vouches for. */
const readToken = ({ tokens }: Config, token: string): Identity => {
  try {
    const claims = decodeJwt(token);
    const issuers = tokens.issuers.map((issuer) => issuerName(issuer, claims));
    const name = issuers.find((each) => each !== undefined) ?? String(claims.iss ?? '');
    const identity = identityOf(claims, name, { ...tokens, tiers: [], headers: [] });
    if (typeof identity === 'object' && Number.isFinite(identity.exp)) return identity;
  } catch {
    // Not a JWT at all.
  }
  throw invalid('token', 'a JWT with `exp` and the claim of the subject');
};

const untilOf = ({ body: { until = '' }, now }: AdminRequest): number => {
  const time = timeOf(until);
  if (time > now && time <= now + TEN_YEARS_MS) return time;
  throw invalid('until', EXPECTED.until);
};

/** Other limits are the caller's own ones: `default` for a subject, `anonymous` for an address. */
export const overrideOf = (request: AdminRequest, scope: OverrideScope): Override => {
  const { limits = '', reason = '' } = request.body;
  const plain = limits === 'none' || limits === 'blocked';
  const { policies, problems } = plain
    ? { policies: [], problems: [] }
    : parseLimits(limits, scope, request.config.algorithm);
  if (problems.length > 0) throw invalid('limits', problems.map(described).join('; '));
  return { limits, policies, since: request.now, until: untilOf(request), reason };
};
