// What Weir would run with: each environment of `wrangler.toml`, and the same on this machine with its `.dev.vars`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { parse } from 'smol-toml';
import { UsageError } from '../cli.ts';

export type Table = Readonly<Record<string, unknown>>;

/** One set of vars and settings that a Worker is started with. */
export interface Target {
  /** `production` (the top level), an environment's name, or one of them with `, local`. */
  readonly name: string;
  /** Whether it is deployed, or only run by `wrangler dev` with `.dev.vars` laid over. */
  readonly deployed: boolean;
  /** Settings of `wrangler.toml`, those an environment inherits included. */
  readonly settings: Table;
  /** `[vars]` as they stand. */
  readonly vars: Table;
  /** What Weir reads: the vars with the secrets that are known to be set. */
  readonly env: Table;
  /** The same with the secrets of `.dev.vars`, which may stand for others of those names that nobody can see. */
  readonly envWithLocalSecrets: Table;
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
export const SECRETS = [
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'ORIGIN_SECRET',
  'ADMIN_TOKEN',
  'PARTITION_SECRET',
];

/** Stands for a secret that `secrets.required` names and no `.dev.vars` knows. */
const UNKNOWN_SECRET = 'x'.repeat(64);

/** Reads a `wrangler.toml` and the `.dev.vars` beside it. Throws a `UsageError` where there is none to read. */
export const readTargets = (configPath: string): readonly Target[] => {
  const top = readToml(configPath);
  const directory = dirname(configPath);
  const environments = Object.entries(tableOf(top.env));
  return [
    ...targetsOf('production', without(top, ['env']), readDevVars(directory, undefined)),
    ...environments.flatMap(([name, settings]) =>
      targetsOf(
        name,
        { ...without(top, ['env', ...NOT_INHERITED]), ...tableOf(settings) },
        readDevVars(directory, name),
      ),
    ),
  ];
};

const targetsOf = (name: string, settings: Table, devVars: Table | undefined): readonly Target[] => {
  const vars = tableOf(settings.vars);
  const env = { ...requiredSecrets(settings), ...vars };
  const envWithLocalSecrets = { ...env, ...pick(devVars ?? {}, SECRETS) };
  const deployed = { name, deployed: true, settings, vars, env, envWithLocalSecrets };
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

const readToml = (path: string): Table => {
  if (!existsSync(path)) throw new UsageError(`${path}: no such file`);
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
};

/** `.dev.vars.<environment>` stands instead of `.dev.vars`, as for `wrangler dev`. */
const readDevVars = (directory: string, environment: string | undefined): Table | undefined => {
  const names = environment === undefined ? ['.dev.vars'] : [`.dev.vars.${environment}`, '.dev.vars'];
  const path = names.map((name) => join(directory, name)).find((each) => existsSync(each));
  return path === undefined ? undefined : parseEnv(readFileSync(path, 'utf8'));
};

export const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const pick = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)));

const without = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));
