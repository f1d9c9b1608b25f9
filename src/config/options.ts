// A mount's options: the vars in camelCase, and where else its vars may come from.
import { parseConfig } from './config.ts';
import type { Config } from './types.ts';
import type { Env } from './vars.ts';

/** What `weir()`, `limit()`, `admin()` and `proxy()` take. */
export interface WeirOptions {
  /** Part of the mount's counters, so that two mounts do not share a quota by accident. Unset: the deployed Worker's. */
  readonly name?: string;
  /**
   * Where unset options are read: `true`: the Worker's vars under their own names; `false` (default): those whose names begin
   * with `WEIR_`, since a host's own `MODE` is not ours.
   */
  readonly env?: boolean;
  /** A var in camelCase: `limits`, `issuer`, `jwksUrl`. */
  readonly [option: string]: unknown;
}

/** Reads the configuration of a mount from its options and a Worker's vars. @throws {ConfigError} */
export type ConfigSource = (env: Env) => Config;

const PREFIX = 'WEIR_';

export const configSource = ({ name, env: all = false, ...options }: WeirOptions): ConfigSource => {
  return (env) => parseConfig({ ...(all ? env : prefixed(env)), ...options });
};

/** The vars that are named `WEIR_<VAR>`, under their own names. */
const prefixed = (env: Env): Env =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
