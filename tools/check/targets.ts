// What Weir would run with: each environment of the configuration file, and the same on this machine with `.dev.vars`.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { varNames } from '../../src/config/config.ts';
import { SECRETS } from '../../src/config/settings.ts';
import { UsageError } from '../cli.ts';
import { listOf, readConfigFile, type Table, tableOf } from './config-file.ts';
import { type SharedRoute, sharedRoutes } from './zone-routes.ts';

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
  /** Whether the Worker is Weir and nothing else, so that all of its vars and bindings are Weir's. */
  readonly isOurWorker: boolean;
  /** What the names of Weir's vars begin with; undefined: a Worker of one's own has its options in its code alone. */
  readonly prefix: '' | typeof PREFIX | undefined;
  /** `[vars]` as they stand. */
  readonly vars: Table;
  /** What Weir reads: the vars with the secrets that are known to be set. */
  readonly env: Table;
  /** The same with the secrets of `.dev.vars`, which may stand for others of those names that nobody can see. */
  readonly envWithLocalSecrets: Table;
  /** Configuration files that stand beside the one read, and that wrangler ignores. */
  readonly ignoredFiles: readonly string[];
  /** Routes that an earlier environment has, too. */
  readonly sharedRoutes: readonly SharedRoute[];
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

/** Of the vars that `weir()` reads in a Worker of one's own, unless it has `env: true`. */
const PREFIX = 'WEIR_';

/** Stands for a secret that `secrets.required` names and no `.dev.vars` knows. */
const UNKNOWN_SECRET = 'x'.repeat(64);

/**
 * Reads a configuration file and the `.dev.vars` beside it.
 * @param configPath undefined: the one that wrangler would read.
 * @throws {UsageError} where there is none to read.
 */
export const readTargets = (configPath?: string): readonly Target[] => {
  const { path, content, ignored } = readConfigFile(configPath);
  return targetsIn(content, dirname(path), ignored);
};

/** @param directory where its main file and `.dev.vars` are. */
export const targetsIn = (
  content: Table,
  directory: string,
  ignored: readonly string[] = [],
): readonly Target[] => {
  const environments = Object.entries(tableOf(content.env));
  const top = environments.some(([name]) => name === 'production') ? 'top level' : 'production';
  const inherited = without(content, ['env', ...NOT_INHERITED]);
  const all = [
    { name: top, environment: undefined, settings: without(content, ['env']) },
    ...environments.map(([name, settings]) => ({
      name,
      environment: name,
      settings: { ...inherited, ...tableOf(settings) },
    })),
  ];
  return all.flatMap(({ name, environment, settings }, index) =>
    targetsOf(name, environment, settings, directory).map((target) => ({
      ...target,
      ignoredFiles: ignored,
      sharedRoutes: sharedRoutes(all, index),
    })),
  );
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

type Named = Omit<Target, 'ignoredFiles' | 'sharedRoutes'>;

const targetsOf = (
  name: string,
  environment: string | undefined,
  settings: Table,
  directory: string,
): readonly Named[] => {
  const devVars = readDevVars(directory, environment);
  const vars = tableOf(settings.vars);
  const bound = { ...requiredSecrets(settings), ...vars };
  const isOurWorker = settings.main === undefined || settings.main === 'src/worker.ts';
  const prefix = isOurWorker
    ? ''
    : prefixOf({ ...bound, ...devVars }, join(directory, String(settings.main)));
  const env = unprefixed(bound, prefix);
  const local = { ...env, ...unprefixed(devVars ?? {}, prefix) };
  const envWithLocalSecrets = { ...env, ...pick(local, SECRET_VARS) };
  const shared = { environment, settings, isOurWorker, prefix, vars };
  const deployed = { ...shared, name, deployed: true, env, envWithLocalSecrets };
  return devVars === undefined
    ? [deployed]
    : [
        deployed,
        { ...shared, name: `${name}, local`, deployed: false, env: local, envWithLocalSecrets: local },
      ];
};

/** How a Worker of one's own names Weir's vars, as far as its configuration and its main file tell. */
const prefixOf = (bound: Table, main: string): Target['prefix'] => {
  const known = new Set([...varNames(), ...SECRET_VARS]);
  const names = Object.keys(bound);
  if (names.some((name) => name.startsWith(PREFIX) && known.has(name.slice(PREFIX.length)))) return PREFIX;
  // A `MODE` may well be of the Worker's own.
  if (names.some((name) => known.has(name) && name !== 'MODE')) return '';
  return existsSync(main) && statSync(main).isFile() && /\benv:\s*true\b/.test(readFileSync(main, 'utf8'))
    ? ''
    : undefined;
};

const unprefixed = (bound: Table, prefix: Target['prefix']): Table =>
  prefix === ''
    ? bound
    : Object.fromEntries(
        Object.entries(bound).flatMap(([name, value]) =>
          prefix !== undefined && name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
        ),
      );

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
