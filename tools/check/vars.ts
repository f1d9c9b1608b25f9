// Vars by their names: those that Weir does not know, those in the wrong place, secrets, and those that do nothing.
import { nearNames } from '../../src/config/near-names.ts';
import { tiersOf } from '../../src/config/tiers.ts';
import type { Config } from '../../src/config/types.ts';
import { parseJson } from '../../src/lib/json.ts';
import { listOf, type Table, tableOf } from './config-file.ts';
import { error, type Finding, warning } from './finding.ts';
import { SECRET_VARS, type Target } from './targets.ts';

/** Cloudflare's limit for one variable. */
const MAX_VAR_BYTES = 5 * 1024;

/** @param isOurWorker whether only Weir reads the vars: then an unknown one is surely a mistake. */
export const varFindings = (
  { vars, settings }: Target,
  known: ReadonlySet<string>,
  isOurWorker: boolean,
): readonly Finding[] => {
  const secrets = [...SECRET_VARS, ...issuerSecrets(vars)];
  const ours = new Set([...known, ...secrets]);
  return [
    ...Object.entries(vars).flatMap(([name, value]) => [
      ...(secrets.includes(name) ? secretFindings(name, value) : []),
      ...sizeFindings(name, value, known.has(`${name}_1`)),
      ...(ours.has(name) ? [] : unknownFindings(name, known, isOurWorker)),
    ]),
    ...outsideFindings(settings, known),
  ];
};

/** The bindings that entries of `ISSUERS` name for their secrets. */
const issuerSecrets = (vars: Table): readonly string[] =>
  Object.entries(vars)
    .filter(([name]) => /^ISSUERS(_\d+)?$/.test(name))
    .flatMap(([, value]) => listOf(typeof value === 'string' ? parseJson(value) : value))
    .map(tableOf)
    .flatMap(({ secret, secret_previous }) => [secret, secret_previous])
    .filter((name) => typeof name === 'string');

const secretFindings = (name: string, value: unknown): readonly Finding[] =>
  value !== ''
    ? [
        error(
          'secret-in-vars',
          `${name} is a secret, but is in [vars].`,
          `Remove it there and run \`wrangler secret put ${name}\`.`,
        ),
      ]
    : [];

/** @param isContinued whether the var may continue in others of its name and a number. */
const sizeFindings = (name: string, value: unknown, isContinued: boolean): readonly Finding[] => {
  const bytes = Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
  if (bytes <= MAX_VAR_BYTES) return [];
  return [
    error(
      'var-too-large',
      `${name} has ${bytes} bytes; a var has at most ${MAX_VAR_BYTES}.`,
      isContinued
        ? `Move entries to ${name}_1, ${name}_2 and so on, or shorten it: wider patterns make fewer routes.`
        : 'Shorten it; instead of keys, set JWKS_URL.',
    ),
  ];
};

const unknownFindings = (
  name: string,
  known: ReadonlySet<string>,
  isOurWorker: boolean,
): readonly Finding[] => {
  const near = nearNames(name, known);
  if (near.length > 0)
    return [
      error(
        'unknown-var',
        `Weir does not know ${name}, so it changes nothing.`,
        `Did you mean ${near.join(' or ')}?${near.some((each) => SECRET_VARS.includes(each)) ? ' A secret is set with `wrangler secret put`.' : ''}`,
      ),
    ];
  if (!isOurWorker) return [];
  return [warning('unknown-var', `Weir does not know ${name}.`, 'Check its spelling, or remove it.')];
};

/** In TOML, what follows a `[table]` belongs to it: a var of ours below one is easily written. */
const outsideFindings = (settings: Table, known: ReadonlySet<string>): readonly Finding[] =>
  Object.entries(settings).flatMap(([name, value]) => {
    if (name === 'vars' || name === 'secrets') return [];
    return strays(value, [name], known).map((path) => outside(path));
  });

/** Where names of ours stand as keys, tables inside them left out. */
const strays = (
  value: unknown,
  path: readonly string[],
  known: ReadonlySet<string>,
): readonly (readonly string[])[] => {
  if (known.has(path.at(-1) ?? '')) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => strays(item, [...path, ''], known));
  return Object.entries(tableOf(value)).flatMap(([key, inner]) => strays(inner, [...path, key], known));
};

const outside = (path: readonly string[]): Finding => {
  const names = path.filter((step) => step !== '');
  const name = names.at(-1) ?? '';
  const place = names.length === 1 ? 'at the top level' : `in [${names.slice(0, -1).join('.')}]`;
  return error(
    'outside-vars',
    `${name} is ${place}, where no Worker sees it.`,
    `Move it below \`[vars]\`: ${instead(name)}. In an environment, below \`[env.<name>.vars]\`.`,
  );
};

const instead = (name: string): string =>
  name === 'ROUTES' || name === 'ISSUERS'
    ? `\`[[vars.${name}]]\``
    : name === 'TIERS'
      ? `\`[vars.${name}]\``
      : `\`${name} = "…"\``;

/** Vars that do nothing without another one. */
export const idleFindings = (config: Config, { env }: Target): readonly Finding[] => {
  const found: Finding[] = [];
  const { tierClaim } = config.tokens;
  const hasTiers = tiersOf(config).length > 0;
  if (hasTiers && tierClaim === undefined)
    found.push(
      warning('tiers-without-claim', 'Tiers have limits, but no claim names a tier.', 'Set TIER_CLAIM.'),
    );
  if (!hasTiers && tierClaim !== undefined)
    found.push(
      warning('no-effect', 'TIER_CLAIM is set, but no tier has limits.', 'Set TIERS, or remove it.'),
    );
  if (env.ABNORMAL_ACTION && !env.ABNORMAL_FACTOR)
    found.push(
      warning(
        'no-effect',
        'ABNORMAL_ACTION does nothing by itself.',
        'Set ABNORMAL_FACTOR, such as 5, or remove it.',
      ),
    );
  return found;
};
