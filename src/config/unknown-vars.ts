// Vars whose names are nearly ours: a misspelled var has no effect, so the log warns about it.
import { varNames } from './config.ts';
import { nearNames } from './near-names.ts';
import { varsOf, type WeirOptions } from './options.ts';
import type { Env } from './vars.ts';

/** Most warnings. */
const MAX_WARNINGS = 10;

/** A sentence for each var whose name is nearly, but not quite, one of ours. */
export const unknownVars = (options: WeirOptions, env: Env): readonly string[] => {
  const known = varNames();
  return Object.entries(varsOf(options, env))
    .filter(([name, value]) => !known.has(name) && isVar(value))
    .map(([name]) => ({ name, near: nearNames(name, known) }))
    .filter(({ near }) => near.length > 0)
    .slice(0, MAX_WARNINGS)
    .map(({ name, near }) => `\`${name}\`: not a var of Weir's; did you mean \`${near.join('` or `')}\`?`);
};

/** Text, a number or JSON, and no binding. */
const isVar = (value: unknown): boolean =>
  typeof value !== 'object' || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
