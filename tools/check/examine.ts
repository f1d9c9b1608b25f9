// Examines a target: runs the Worker's own parser on it and collects what is wrong or unsafe.
import { ConfigError, parseConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/types.ts';
import { isLeasable } from '../../src/limiter/policy.ts';
import { deploymentFindings } from './deployment.ts';
import { error, type Finding, warning } from './finding.ts';
import { routeFindings } from './routes.ts';
import { SECRETS, type Table, type Target } from './targets.ts';

export interface Examined {
  /** Undefined where the parser refuses it. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** Everything there is to say about a target; of one that is only run locally, no more than whether it would run. */
export const examine = (target: Target): Examined => {
  const { config, problems, known } = parse(target);
  const ofConfig = config
    ? [...tokenFindings(config, target), ...limitFindings(config, target), ...routeFindings(config)]
    : [];
  const ofDeployment = [...varFindings(target, known), ...deploymentFindings(target), ...ofConfig];
  const findings = [...problems, ...(target.deployed ? ofDeployment : [])];
  return { config, findings: findings.toSorted((a, b) => a.level.localeCompare(b.level)) };
};

interface Parsed {
  readonly config: Config | undefined;
  readonly problems: readonly Finding[];
  /** Names that the parser reads. */
  readonly known: ReadonlySet<string>;
}

/** A secret that only this machine has is not assumed, unless its absence would be an error. */
const parse = ({ env, envWithLocalSecrets }: Target): Parsed => {
  const bare = parseVars(env);
  const withSecrets = parseVars(envWithLocalSecrets);
  return withSecrets.problems.length < bare.problems.length ? withSecrets : bare;
};

/** Runs the Worker's own parser, and learns from it which names it reads. */
const parseVars = (vars: Table): Parsed => {
  const known = new Set<string>();
  const env = new Proxy(vars, {
    get(target, name) {
      known.add(String(name));
      return Reflect.get(target, name);
    },
  });
  try {
    return { config: parseConfig(env), problems: [], known };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return { config: undefined, problems: thrown.problems.map(configFinding), known };
  }
};

const configFinding = ({ variable, problem }: ConfigError['problems'][number]): Finding => {
  const keyless = variable === 'JWT_ISSUER' && problem.includes('key source');
  const mend = keyless
    ? 'Set JWT_ISSUER to an https URL, or a key source. A secret that was put with `wrangler secret put` cannot be seen ' +
      'from here: name it in `[secrets] required`. Environments do not inherit `[vars]`.'
    : `Mend ${variable}; the README's table of vars says what it takes.`;
  return error('config-error', `\`${variable}\`: ${problem}`, mend);
};

const varFindings = ({ vars }: Target, known: ReadonlySet<string>): readonly Finding[] =>
  Object.entries(vars).flatMap(([name, value]) => {
    const bytes = Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
    const found: Finding[] = [];
    if (SECRETS.includes(name) && value !== '')
      found.push(
        error(
          'secret-in-vars',
          `${name} stands in [vars].`,
          `Remove it there and run \`wrangler secret put ${name}\`.`,
        ),
      );
    if (bytes > MAX_VAR_BYTES)
      found.push(
        error(
          'var-too-large',
          `${name} has ${bytes} bytes; a var has at most ${MAX_VAR_BYTES}.`,
          'Shorten it: fewer routes with wider patterns, or a JWKS_URL instead of keys.',
        ),
      );
    if (!known.has(name))
      found.push(warning('unknown-var', `Weir does not know ${name}.`, 'Check its spelling, or remove it.'));
    return found;
  });

/** Cloudflare's limit for one variable. */
const MAX_VAR_BYTES = 5 * 1024;

const tokenFindings = ({ tokens, policies }: Config, { env }: Target): readonly Finding[] => {
  const open = tokens.issuers.filter(({ audience }) => audience.length === 0);
  const where = env.ISSUERS ? '`audience`' : 'JWT_AUDIENCE';
  const found = open.map(({ issuer = 'any issuer' }) =>
    warning(
      'no-audience',
      `A token that ${issuer} made for another service is accepted.`,
      `Set ${where} to the name of this API.`,
    ),
  );
  if (policies.tiers.size > 0 && tokens.tierClaim === undefined)
    found.push(warning('tiers-without-claim', 'TIERS is set, but no claim names a tier.', 'Set TIER_CLAIM.'));
  return found;
};

const limitFindings = (config: Config, { env }: Target): readonly Finding[] => {
  const { policies, onLimiterError } = config;
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
  const asked = policies.global.filter((policy) => !config.leases || !isLeasable(policy));
  for (const { name } of asked)
    found.push(
      warning(
        'global-window-short',
        `Under \`${name}\` every request asks one object, which serves about 1,000 a second.`,
        'Use windows of 32 seconds or more, not gcra, and LEASES=on.',
      ),
    );
  const origin = config.origin.url;
  if (origin?.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(origin.hostname) && env.ORIGIN_URL)
    found.push(
      warning('plain-http-origin', `Tokens go to ${origin.host} in the clear.`, 'Use https in ORIGIN_URL.'),
    );
  return found;
};
