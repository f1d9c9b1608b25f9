// Vars that look like ours and are not: a misspelled one changes nothing, so somebody must be told.
import { varNames } from './config.ts';
import { nearNames } from './near-names.ts';
import { varsOf, type WeirOptions } from './options.ts';
import type { Env } from './vars.ts';

/** Most that are told of. */
const MAX_TOLD = 10;

/** A sentence for each var that is none of ours but nearly has the name of one. */
export const unknownVars = (options: WeirOptions, env: Env): readonly string[] => {
  const known = varNames();
  return Object.entries(varsOf(options, env))
    .filter(([name, value]) => !known.has(name) && isVar(value))
    .map(([name]) => ({ name, near: nearNames(name, known) }))
    .filter(({ near }) => near.length > 0)
    .slice(0, MAX_TOLD)
    .map(({ name, near }) => `\`${name}\`: not a var of Weir's; did you mean \`${near.join('` or `')}\`?`);
};

/** Text, a number or JSON, and no binding. */
const isVar = (value: unknown): boolean =>
  typeof value !== 'object' || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
