// Validated strings -> whom a request to the admin API is about and what it asks for. Throws an `Invalid`.
import { decodeJwt } from 'jose';
import { identityOf, MAX_SUBJECT_LENGTH } from '../auth/claims.ts';
import { issuerName, subjectIssuer } from '../auth/issuers.ts';
import { isNone, parseLimits } from '../config/notation.ts';
import { allLimits } from '../config/policies.ts';
import type { Scope } from '../config/scopes.ts';
import type { Config } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { clientsOf, parseAddress, parseNetwork } from '../lib/address.ts';
import { described } from '../lib/issue.ts';
import type { Override, TimeMark, TokenMark } from '../limiter/standing.ts';
import {
  ADDRESS,
  addressPartition,
  CALLER,
  claimPartition,
  globalPartition,
  isOfCaller,
  type Key,
  paramPartition,
  readKey,
  subjectPartition,
  writtenKey,
} from '../partition.ts';
import { paramValue } from '../routing/params.ts';
import { invalid } from './invalid.ts';
import { EXPECTED } from './schemas.ts';

/** Members of a query or body, every one a string. */
export type Input = Readonly<Record<string, string | undefined>>;

/** A request to the admin API whose strings fit the schemas. */
export interface AdminRequest {
  readonly config: Config;
  readonly query: Input;
  readonly body: Input;
  readonly now: number;
}

/** A partition and how the answer names it. */
export interface Partition {
  readonly partition: string;
  /** What its policies count by. */
  readonly key: Key;
  readonly names: Input;
  /** Its name in the log, where that is known already. */
  readonly name?: string;
  /** Of a network: the partitions of all its clients, which a change is made to. Absent: it is one partition. */
  readonly members?: readonly string[];
}

const TEN_YEARS_MS = 10 * 366 * 86_400_000;

/** How far a client's clock may be ahead of ours. */
const CLOCK_MS = 60_000;

/** The largest `CLOCK_TOLERANCE_SECONDS`: no configuration accepts an expired token for longer. */
const TOLERANCE_MS = 300_000;

/** The subject must be of a configured issuer: under a mistyped one, a revocation would silently do nothing. */
export const subjectOf = (request: AdminRequest): Partition => {
  const { subject = '' } = request.query;
  const issuer = issuerOf(request);
  return { partition: subjectPartition(issuer, subject), key: CALLER, names: { issuer, subject } };
};

/** The name that the issuer's subjects are counted under. Where no issuer is configured, only the request can say it. */
const issuerOf = ({ config, query }: AdminRequest): string => {
  const { issuers } = config.tokens;
  const configured = issuers.map(({ issuer }) => issuer);
  const named = query.issuer ?? (configured.length === 1 ? configured[0] : undefined);
  const issuer = named === undefined ? undefined : subjectIssuer(issuers, named);
  if (issuer !== undefined && !issuer.includes('{')) return issuer;
  throw invalid(
    'issuer',
    configured.includes(undefined) ? EXPECTED.issuer : `one of ${configured.join(', ')}`,
  );
};

/** Each client of a network has a Limiter of its own, so that no request need know of networks. */
const MAX_CLIENTS = 256;

export const addressOf = ({ config, query: { address = '' } }: AdminRequest): Partition => {
  if (address.includes('/')) return networkOf(address, config);
  if (parseAddress(address) === undefined) throw invalid('address', EXPECTED.address);
  return { partition: addressPartition(address, config.ipv6Prefix), key: ADDRESS, names: { address } };
};

/** Named after the network in the log, though its counters are those of its clients. */
const networkOf = (address: string, { ipv6Prefix }: Config): Partition => {
  const network = parseNetwork(address);
  const clients = network && clientsOf(network, ipv6Prefix, MAX_CLIENTS);
  if (clients === undefined) throw invalid('address', EXPECTED.address);
  const members = clients.map((client) => addressPartition(client, ipv6Prefix));
  return { partition: addressPartition(address, ipv6Prefix), key: ADDRESS, names: { address }, members };
};

/** A partition by its key, by which some limit must count: any other has nothing to show, and refuses nobody. */
export const keyedOf = (request: AdminRequest): Partition => {
  const { key: written = '', value = '' } = request.query;
  const keys = keysOf(request.config);
  const key = keys.find((each) => writtenKey(each) === written) ?? readKey(written, undefined);
  if (key?.kind === 'subject') return subjectOf({ ...request, query: { ...request.query, subject: value } });
  if (key?.kind === 'address') return addressOf({ ...request, query: { address: value } });
  if (key === undefined || !keys.some((each) => writtenKey(each) === writtenKey(key)))
    throw invalid(
      'key',
      `what limits count by: ${['subject', 'address', ...keys.map(writtenKey)].join(', ')}`,
    );
  return namedBy(key, value, request);
};

const namedBy = (key: Key, value: string, request: AdminRequest): Partition => {
  if (key.kind === 'everyone') return { partition: globalPartition, key, names: { key: writtenKey(key) } };
  if (value === '') throw invalid('value', '1 to 1024 characters');
  const names = { key: writtenKey(key), value };
  if (key.kind === 'claim') {
    const issuer = issuerOf(request);
    return { partition: claimPartition(issuer, key.claim, value), key, names: { ...names, issuer } };
  }
  return { partition: paramPartition(writtenKey(key).slice(1), paramValue(value)), key, names };
};

/** Every key by which some limit counts, except the caller and its address, which have paths of their own. */
const keysOf = (config: Config): readonly Key[] => {
  const keys = allLimits(config)
    .map(({ key }) => key)
    .filter((key) => !isOfCaller(key) && key.kind !== 'address');
  return [...new Map(keys.map((key) => [writtenKey(key), key])).values()];
};

/** The revocation that a body asks for, and whose tokens it covers. Without `until`, one by `jti` or `before` never ends. */
export const markOf = (
  request: AdminRequest,
): { readonly mark: TokenMark | TimeMark; readonly query: Input } => {
  const { query, body, now } = request;
  const { token, jti, before = '' } = body;
  if ([token, jti, body.before].filter((given) => given !== undefined).length !== 1)
    throw invalid('jti', 'exactly one of `jti`, `token` and `before`');
  if (token !== undefined) return tokenMarkOf(request, token);
  if (query.subject === undefined && query.partition === undefined)
    throw invalid('subject', `1 to ${MAX_SUBJECT_LENGTH} characters`);
  const until = body.until === undefined ? Number.POSITIVE_INFINITY : untilOf(request);
  if (jti !== undefined) return { query, mark: { jti, until } };
  const time = before === 'now' ? now : timeOf(before);
  if (!(time <= now + CLOCK_MS)) throw invalid('before', EXPECTED.before);
  const covers = time + request.config.tokens.clockToleranceSeconds * 1000;
  return { query, mark: { before: time, covers, until } };
};

/** An RFC 3339 time, in milliseconds since the epoch; NaN for any other text. */
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

/** Reads a token without verifying it: an operator may revoke what its issuer no longer vouches for. */
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

/**
 * Other limits in place of the partition's own ones: `LIMITS` for a subject, `ANONYMOUS_LIMITS` for an address, and for any
 * other key what `LIMITS` counts by it. They must hold what a request costs on any route, or it could never pass there.
 */
export const overrideOf = (request: AdminRequest, { key }: Partition): Override => {
  const { limits = '', reason = '' } = request.body;
  const { algorithm } = request.config;
  const { policies, slots, problems } =
    limits === 'blocked'
      ? { policies: [], slots: [], problems: [] }
      : parseLimits(limits, SCOPE_OF_OVERRIDE[key.kind], algorithm, { key });
  // Limiters know the word in lower case alone.
  if (isNone(limits) && limits !== 'none') throw invalid('limits', '`none` in lower case');
  if (problems.length > 0) throw invalid('limits', problems.map(described).join('; '));
  if (slots.length > 0)
    throw invalid('limits', 'limits over windows: `at once` stays as it is configured, and `none` lifts it');
  if (policies.some((policy) => writtenKey(policy.key) !== writtenKey(key)))
    throw invalid('limits', 'limits without `by`: they are of the partition that is named');
  const cost = Math.max(
    request.config.defaultRoute.cost,
    ...request.config.routes.map((route) => route.cost),
  );
  const short = policies.find(({ quota }) => quota < cost);
  if (short)
    throw invalid('limits', `quotas of at least ${cost}, which a request may cost, not \`${short.name}\``);
  const told = policies.map(({ key: _, ...policy }) => ({ ...policy, own: true }));
  return { limits, policies: told, since: request.now, until: untilOf(request), reason };
};

/** Whose counters an override's policies use, so that what was spent in the same window stays spent. */
const SCOPE_OF_OVERRIDE: Readonly<Record<Key['kind'], Scope>> = {
  subject: 'default',
  route: 'default',
  claim: 'default',
  param: 'default',
  address: 'anonymous',
  everyone: 'global',
};
