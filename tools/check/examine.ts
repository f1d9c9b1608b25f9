// Examines a target: runs the Worker's own parser on it and collects what is wrong or unsafe.
import { ConfigError, parseConfig, varNames } from '../../src/config/config.ts';
import type { Config } from '../../src/config/types.ts';
import { lendingOf } from '../../src/limiter/policy.ts';
import { audienceFindings } from './audiences.ts';
import { claimFindings } from './claims.ts';
import type { Table } from './config-file.ts';
import { costFindings } from './costs.ts';
import { deploymentFindings } from './deployment.ts';
import { error, type Finding, warning } from './finding.ts';
import { fixOf } from './fixes.ts';
import { issuerFindings } from './issuers.ts';
import { keyFindings } from './keys.ts';
import { foreignSyntax } from './patterns.ts';
import { valueAt } from './refused.ts';
import { routeFindings } from './routes.ts';
import type { Target } from './targets.ts';
import { idleFindings, varFindings } from './vars.ts';

export interface Examined {
  /** Undefined where the parser refuses it. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** Everything there is to say about a target; for one that is only run locally, only whether it would run. */
export const examine = (target: Target): Examined => {
  const { config, problems } = parse(target);
  const findings = [
    ...problems,
    ...(target.deployed
      ? [
          ...varFindings(target, varNames()),
          ...deploymentFindings(target, config),
          ...(config ? configFindings(config, target) : []),
        ]
      : []),
  ];
  return { config, findings: findings.toSorted((a, b) => a.level.localeCompare(b.level)) };
};

const configFindings = (config: Config, target: Target): readonly Finding[] => {
  const several = Boolean(target.env.ISSUERS);
  return [
    ...issuerFindings(config, (index, part) =>
      several ? `ISSUERS[${index}].${part}` : part === 'issuer' ? 'JWT_ISSUER' : 'JWKS_URL',
    ),
    ...audienceFindings(config, several ? '`audience`' : 'JWT_AUDIENCE'),
    ...claimFindings(config),
    ...idleFindings(config, target),
    ...limitFindings(config),
    ...originFindings(config, target),
    ...routeFindings(config),
    ...costFindings(config),
    ...keyFindings(config),
  ];
};

interface Parsed {
  readonly config: Config | undefined;
  readonly problems: readonly Finding[];
}

/** Secrets that only this machine is known to have are assumed only where their absence would be an error. */
const parse = (target: Target): Parsed => {
  const bare = parseVars(target.env, target);
  const withSecrets = parseVars(target.envWithLocalSecrets, target);
  return withSecrets.problems.length < bare.problems.length ? withSecrets : bare;
};

const parseVars = (vars: Table, { prefix }: Target): Parsed => {
  if (prefix === undefined) return { config: undefined, problems: [] };
  try {
    return { config: parseConfig(vars), problems: [] };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    // What has a prefix may be the half of it, and whose tokens to trust stand in the code.
    const problems = thrown.problems.filter(
      ({ variable }) => prefix === '' || variable !== 'JWT_ISSUER' || vars.JWT_ISSUER !== undefined,
    );
    return { config: undefined, problems: problems.map((problem) => findingOf(problem, vars, prefix)) };
  }
};

const findingOf = (
  { variable, problem }: ConfigError['problems'][number],
  vars: Table,
  prefix: string,
): Finding => {
  const value = valueAt(vars, variable);
  const isForeign =
    /\.match$/.test(variable) && typeof value === 'string' && foreignSyntax(value) !== undefined;
  const message = `\`${prefix}${variable}\`${ofRoute(variable, vars)}: ${problem}`;
  return error(isForeign ? 'foreign-pattern' : 'config-error', message, fixOf({ variable, problem, vars }));
};

/** People know a route by its name, not by its place in the list. */
const ofRoute = (variable: string, vars: Table): string => {
  const [route] = /^ROUTES(?:_\d)?\[\d+\](?=\.(?!name$))/.exec(variable) ?? [];
  const name = route && valueAt(vars, `${route}.name`);
  return typeof name === 'string' ? ` of route \`${name}\`` : '';
};

const limitFindings = ({ policies, onLimiterError, leases, leaseMs }: Config): readonly Finding[] => {
  const found: Finding[] = [];
  if (policies.global.length > 0 && onLimiterError === 'open')
    found.push(
      warning(
        'global-fails-open',
        'While the Limiter of GLOBAL_LIMITS is down, everything passes.',
        'Set ON_LIMITER_ERROR to `local` or `closed`.',
      ),
    );
  // Without a lease every request asks the one object.
  const asked = policies.global.filter(
    (policy) => !('slots' in policy) && (leases === 'off' || lendingOf(policy, leaseMs) !== 'by-number'),
  );
  for (const { name } of asked)
    found.push(
      warning(
        'global-window-short',
        `Under \`${name}\` every request asks one object, which serves about 1,000 a second.`,
        'Use windows of 32 seconds or more, not gcra, and LEASES=on.',
      ),
    );
  return found;
};

const originFindings = ({ origin: { url } }: Config, { env }: Target): readonly Finding[] =>
  url?.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(url.hostname) && env.ORIGIN_URL
    ? [warning('plain-http-origin', `Tokens go to ${url.host} in the clear.`, 'Use https in ORIGIN_URL.')]
    : [];
