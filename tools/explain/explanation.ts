// Why a request is decided as it is: its route, caller, partitions and policies, by the Worker's own code. No request is made.
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { identityOf } from '../../src/auth/claims.ts';
import type { Config, Issuer, Route } from '../../src/config/types.ts';
import type { Identity } from '../../src/identity.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import { addressPartition, globalPartition, limiterName } from '../../src/partition.ts';
import { type Caller, chargesOf, type Plan } from '../../src/quota/plan.ts';
import { explainRoute, routeOf } from '../../src/routing/route-of.ts';
import { UsageError } from '../cli.ts';

export interface Question {
  readonly method: string;
  readonly url: string;
  readonly token: string | undefined;
  /** The client's, for what is counted by address. */
  readonly address: string | undefined;
  readonly preflight: boolean;
}

export interface Explanation {
  readonly route: Pick<Route, 'name' | 'auth' | 'mode' | 'scopes'>;
  /** Ways to read the path, and the routes that each leads to. */
  readonly readings: readonly { readonly path: string; readonly routes: readonly string[] }[];
  readonly caller: Caller;
  readonly subject: string | undefined;
  readonly issuer: string | undefined;
  readonly tier: string | undefined;
  /** What the request gets before any limit is asked, and why; undefined: it is let through to the limits. */
  readonly refusal: { readonly status: 400 | 401 | 403; readonly why: string } | undefined;
  /** Sentences that say why; overrides and revocations, which only a Limiter knows, are not looked at. */
  readonly reasons: readonly string[];
  /** Whom it would spend permits of; nobody where the caller is not known. */
  readonly partitions: readonly ExplainedPartition[];
}

export interface ExplainedPartition {
  readonly kind: Plan['kind'];
  /** Whose counters these are. */
  readonly of: string;
  /** Name of its Limiter object. */
  readonly limiter: string;
  readonly cost: number;
  readonly policies: readonly ExplainedPolicy[];
}

export interface ExplainedPolicy extends Policy {
  /** The var, tier or route that set it. */
  readonly setBy: string;
}

/** The signature is not verified: that would take the issuer's keys, and changes nothing about who pays. */
export const explain = async (config: Config, question: Question): Promise<Explanation> => {
  checkRequest(question);
  const found = routeOf(config)(question);
  const route = found ?? config.defaultRoute;
  const token = route.auth === 'none' || question.preflight ? undefined : question.token;
  const identity = token === undefined ? undefined : identify(config, token);
  const known = typeof identity === 'string' ? undefined : identity;
  const caller: Caller = question.preflight ? 'preflight' : known ? 'subject' : 'anonymous';
  const refusal = found === undefined ? AMBIGUOUS : refusalOf(config, route, question, token, identity);
  const nobody = found === undefined || (refusal !== undefined && known === undefined);
  const plans = nobody ? [] : chargesOf(config)(route, caller, known?.tier).plans;
  return {
    route,
    readings: readingsOf(config, question),
    caller,
    subject: known?.subject,
    issuer: known?.issuer,
    tier: known?.tier,
    refusal,
    reasons: [...routeReasons(config, route, question), ...callerReasons(config, route, question, known)],
    partitions: await Promise.all(plans.map((plan) => partitionOf(config, plan, known, question))),
  };
};

const AMBIGUOUS = { status: 400, why: 'its path can be read in more ways than are followed' } as const;

const checkRequest = ({ method, url }: Question): void => {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`${url}: expected an http or https URL`);
  if (!/^[A-Z]+$/.test(method)) throw new UsageError(`${method}: expected a method such as GET`);
};

/** The identity, or the reason why this token makes none. */
const identify = (config: Config, token: string): Identity | string => {
  try {
    return identityOf(decodeJwt(token), String(decodeJwt(token).iss ?? ''), {
      ...config.tokens,
      tiers: [...config.policies.tiers.keys()],
      headers: config.claimHeaders,
    });
  } catch {
    return 'it is no JWT';
  }
};

const refusalOf = (
  config: Config,
  route: Route,
  { preflight }: Question,
  token: string | undefined,
  identity: Identity | string | undefined,
): Explanation['refusal'] => {
  if (preflight) return undefined;
  if (token === undefined) {
    const admitted = route.auth === 'none' || (route.auth === 'optional' && route.scopes.length === 0);
    return admitted ? undefined : { status: 401, why: 'the route asks for a token, and there is none' };
  }
  const flaw = typeof identity === 'string' ? identity : tokenFlaw(config, token);
  if (flaw !== undefined) return { status: 401, why: `the token is not accepted: ${flaw}` };
  const missing = route.scopes.filter((scope) => typeof identity === 'object' && !identity.scopes.has(scope));
  return missing.length > 0
    ? { status: 403, why: `the token lacks the scope ${missing.join(' ')}` }
    : undefined;
};

/** What can be said of a token without its issuer's keys. */
const tokenFlaw = ({ tokens }: Config, token: string): string | undefined => {
  const { iss, aud, exp, nbf } = decodeJwt(token);
  const issuer = tokens.issuers.find((each) => each.issuer === undefined || each.issuer === iss);
  const now = Date.now() / 1000;
  if (issuer === undefined) return `its issuer ${iss} is not trusted`;
  if (exp === undefined) return 'it has no exp';
  if (exp + tokens.clockToleranceSeconds <= now) return `it expired at ${new Date(exp * 1000).toISOString()}`;
  if (nbf !== undefined && nbf - tokens.clockToleranceSeconds > now)
    return `it is not valid before ${new Date(nbf * 1000).toISOString()}`;
  const audiences = [aud].flat();
  if (issuer.audience.length > 0 && !issuer.audience.some((each) => audiences.includes(each)))
    return `it is for the audience ${audiences.join(', ')}, not for ${issuer.audience.join(', ')}`;
  return headerFlaw(issuer, token);
};

const headerFlaw = ({ algorithms, typ }: Issuer, token: string): string | undefined => {
  const header = decodeProtectedHeader(token);
  if (!algorithms.includes(header.alg ?? ''))
    return `its alg ${header.alg} is not one of ${algorithms.join(', ')}`;
  const plain = (type: string | undefined) => type?.toLowerCase().replace(/^application\//, '');
  return typ !== undefined && plain(header.typ) !== plain(typ)
    ? `its typ is ${header.typ}, not ${typ}`
    : undefined;
};

const readingsOf = (config: Config, question: Question): Explanation['readings'] =>
  (explainRoute(config, question) ?? []).map(({ path, routes }) => ({
    path,
    routes: routes.map(({ name }) => name),
  }));

const routeReasons = (config: Config, route: Route, question: Question): readonly string[] => {
  const index = config.routes.indexOf(route);
  if (readingsOf(config, question).length > 1)
    return [
      'An origin may read this path in several ways; the request meets the demands of every route they lead to.',
    ];
  return index < 0
    ? ['No entry of ROUTES matches, so the defaults hold.']
    : [`ROUTES[${index}] is the first that matches: ${methodsOf(route)} ${route.match}`];
};

const methodsOf = ({ methods }: Route): string => (methods ? [...methods].join(', ') : 'any method,');

const callerReasons = (
  config: Config,
  route: Route,
  question: Question,
  identity: Identity | undefined,
): readonly string[] => {
  if (question.preflight) return ['A CORS preflight needs no token and goes on without a body.'];
  if (route.auth === 'none') return ['The route ignores tokens: every caller is anonymous.'];
  return identity === undefined ? [] : [tierReason(config, identity)];
};

const tierReason = ({ tokens, policies }: Config, { tier }: Identity): string => {
  const claim = tokens.tierClaim?.join('.');
  if (claim === undefined) return 'No TIER_CLAIM is set, so the limits are those of LIMITS.';
  if (tier === undefined) return `The token has no claim ${claim}, so the limits are those of LIMITS.`;
  return policies.tiers.has(tier)
    ? `The claim ${claim} names the tier ${tier}, whose limits replace LIMITS.`
    : `TIERS has no entry ${tier}, which the claim ${claim} names, so the limits are those of LIMITS.`;
};

const partitionOf = async (
  config: Config,
  { kind, cost, policies }: Plan,
  identity: Identity | undefined,
  { address }: Question,
): Promise<ExplainedPartition> => {
  const partition = {
    subject: identity?.partition ?? '',
    address: addressPartition(address),
    global: globalPartition,
  }[kind];
  const of = {
    subject: `${identity?.subject} of ${identity?.issuer || 'any issuer'}`,
    address: address ?? 'the client’s address',
    global: 'all callers',
  }[kind];
  const tier = config.policies.tiers.has(identity?.tier ?? '') ? identity?.tier : undefined;
  const explained = policies.map((policy) => ({ ...policy, setBy: setBy(policy, tier) }));
  return { kind, of, limiter: await limiterName(partition), cost, policies: explained };
};

const VARS: Readonly<Record<string, string>> = {
  anonymous: 'ANONYMOUS_LIMITS',
  preflight: 'PREFLIGHT_LIMITS',
  ip: 'IP_LIMITS',
  global: 'GLOBAL_LIMITS',
};

/** A counter begins with its scope; see `limits.ts`. */
const setBy = ({ counter }: Policy, tier: string | undefined): string => {
  const scope = counter.slice(0, counter.indexOf(':'));
  if (scope === 'default') return tier === undefined ? 'LIMITS' : `TIERS.${tier}`;
  return VARS[scope] ?? `route ${scope}`;
};
