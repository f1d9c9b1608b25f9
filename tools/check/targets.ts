// What Weir would run with: each environment of the configuration file, and the same on this machine with `.dev.vars`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { SECRETS } from '../../src/config/settings.ts';
import { UsageError } from '../cli.ts';
import { listOf, readConfigFile, type Table, tableOf } from './config-file.ts';

/** One set of vars and settings that a Worker is started with. */
export interface Target {
  /** An environment's name, or `production` for the top level (`top level` beside an environment of that name); or one of them with `, local`. */
  readonly name: string;
  /** The environment; undefined: the top level. */
  readonly environment: string | undefined;
  /** Whether it is deployed, or only run by `wrangler dev` with `.dev.vars` laid over. */
  readonly deployed: boolean;
  /** Settings of the configuration file, those an environment inherits included. */
  readonly settings: Table;
  /** `[vars]` as they stand. */
  readonly vars: Table;
  /** What Weir reads: the vars with the secrets that are known to be set. */
  readonly env: Table;
  /** The same with the secrets of `.dev.vars`, which may stand for others of those names that nobody can see. */
  readonly envWithLocalSecrets: Table;
  /** Configuration files that stand beside the one read, and that wrangler ignores. */
  readonly ignoredFiles: readonly string[];
}

/** Wrangler keeps these per environment; everything else of the top level is inherited. */
const NOT_INHERITED = [
  'vars',
  'secrets',
  'durable_objects',
  'ratelimits',
  'services',
  'analytics_engine_datasets',
];

/** Secrets belong in `wrangler secret put`, where no tool can read them. */
export const SECRET_VARS: readonly string[] = Object.keys(SECRETS);

/** Stands for a secret that `secrets.required` names and no `.dev.vars` knows. */
const UNKNOWN_SECRET = 'x'.repeat(64);

/**
 * Reads a configuration file and the `.dev.vars` beside it.
 * @param configPath undefined: the one that wrangler would read.
 * @throws {UsageError} where there is none to read.
 */
export const readTargets = (configPath?: string): readonly Target[] => {
  const { path, content, ignored } = readConfigFile(configPath);
  const directory = dirname(path);
  const environments = Object.entries(tableOf(content.env));
  const top = environments.some(([name]) => name === 'production') ? 'top level' : 'production';
  const inherited = without(content, ['env', ...NOT_INHERITED]);
  return [
    ...targetsOf(top, undefined, without(content, ['env']), directory),
    ...environments.flatMap(([name, settings]) =>
      targetsOf(name, name, { ...inherited, ...tableOf(settings) }, directory),
    ),
  ].map((target) => ({ ...target, ignoredFiles: ignored }));
};

/**
 * The target of `environment`; `production` may stand for the top level where no environment has that name.
 * @throws {UsageError} that names the environments there are.
 */
export const chooseTarget = (
  targets: readonly Target[],
  environment: string | undefined,
  deployed: boolean,
): Target => {
  const found =
    targets.find((target) => target.environment === environment && target.deployed === deployed) ??
    targets.find((target) => target.name === `${environment}${deployed ? '' : ', local'}`);
  if (found !== undefined) return found;
  const names = targets.map(({ name }) => name).join('; ');
  throw new UsageError(
    deployed
      ? `no environment ${environment}, only ${names}`
      : `no .dev.vars for ${environment ?? 'the top level'}, only ${names}`,
  );
};

type Named = Omit<Target, 'ignoredFiles'>;

const targetsOf = (
  name: string,
  environment: string | undefined,
  settings: Table,
  directory: string,
): readonly Named[] => {
  const devVars = readDevVars(directory, environment);
  const vars = tableOf(settings.vars);
  const env = { ...requiredSecrets(settings), ...vars };
  const envWithLocalSecrets = { ...env, ...pick(devVars ?? {}, SECRET_VARS) };
  const deployed = { name, environment, deployed: true, settings, vars, env, envWithLocalSecrets };
  if (devVars === undefined) return [deployed];
  const local = { ...env, ...devVars };
  return [
    deployed,
    { ...deployed, name: `${name}, local`, deployed: false, env: local, envWithLocalSecrets: local },
  ];
};

const requiredSecrets = (settings: Table): Table => {
  const { required } = tableOf(settings.secrets);
  return Object.fromEntries(listOf(required).map((name) => [String(name), UNKNOWN_SECRET]));
};

/** `.dev.vars.<environment>` stands instead of `.dev.vars`, as for `wrangler dev`. */
const readDevVars = (directory: string, environment: string | undefined): Table | undefined => {
  const names = environment === undefined ? ['.dev.vars'] : [`.dev.vars.${environment}`, '.dev.vars'];
  const path = names.map((name) => join(directory, name)).find((each) => existsSync(each));
  return path === undefined ? undefined : parseEnv(readFileSync(path, 'utf8'));
};

const pick = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)));

const without = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));
