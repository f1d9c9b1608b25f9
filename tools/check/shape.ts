// The shape of wrangler's own settings, by the schema that the project's wrangler brings along: what has another is refused
// or dropped by it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nearNames } from '../../src/config/near-names.ts';
import type { Table } from './config-file.ts';
import { error, type Finding } from './finding.ts';

/** The part of JSON Schema that wrangler's is written in. */
interface Schema {
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

/** Read by Weir's own parser, or elsewhere in `check`; of routes the schema says less than wrangler does. */
const READ_ELSEWHERE = ['vars', 'env', 'route', 'secrets'];

/** Settings by names that people give them. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  environment: 'env',
  environments: 'env',
  envs: 'env',
  environment_variables: 'vars',
  env_vars: 'vars',
  variables: 'vars',
  rate_limit: 'ratelimits',
  rate_limits: 'ratelimits',
  rate_limiting: 'ratelimits',
};

/** Names of tables that wrangler does not read, whatever stands in them. */
export const isMisnamedSetting = (name: string): boolean => Object.hasOwn(OTHER_NAMES, name);

/** Nothing where the project has no wrangler. */
export const shapeFindings = (settings: Table): readonly Finding[] => {
  const root = schema();
  const elsewhere = [...READ_ELSEWHERE, ...(Array.isArray(settings.routes) ? ['routes'] : [])];
  const misnamed = Object.keys(settings).filter(isMisnamedSetting);
  return [
    ...misnamed.map((name) => misnamedFinding(name, OTHER_NAMES[name] ?? '')),
    ...nameFindings(settings),
    ...(settings.pages_build_output_dir === undefined ? [] : [PAGES]),
    ...(root === undefined
      ? []
      : new Shape(root).findings(
          { $ref: '#/definitions/RawConfig' },
          without(settings, [...elsewhere, ...misnamed]),
          [],
        )),
  ];
};

const PAGES = error(
  'wrangler-setting',
  '`pages_build_output_dir` makes this a project of Cloudflare Pages, which has neither zone routes nor Durable Objects of its own.',
  'Remove it: Weir is a Worker, before Pages as before any other origin.',
);

const nameFindings = ({ name }: Table): readonly Finding[] =>
  typeof name !== 'string' || /^$|^[a-z0-9_][a-z0-9-_]*$/.test(name)
    ? []
    : [
        error(
          'wrangler-setting',
          `The name \`${name}\` is more than small letters, digits, \`-\` and \`_\`, which wrangler refuses.`,
          `Write \`name = "${
            name
              .toLowerCase()
              .replace(/[^a-z0-9_]+/g, '-')
              .replace(/^-+|-+$/g, '') || 'weir'
          }"\`.`,
        ),
      ];

const without = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));

let read: Schema | undefined;

const schema = (): Schema | undefined => {
  try {
    const project = createRequire(join(process.cwd(), 'package.json'));
    const path = join(dirname(project.resolve('wrangler/package.json')), 'config-schema.json');
    read ??= JSON.parse(readFileSync(path, 'utf8')) as Schema;
    return read;
  } catch {
    return undefined;
  }
};

type Path = readonly (string | number)[];

class Shape {
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  findings(given: Schema, value: unknown, path: Path): readonly Finding[] {
    const { anyOf, type, properties, items, ...rest } = this.#resolved(given);
    if (anyOf !== undefined) return this.#fewest(anyOf, value, path);
    const types = type === undefined ? [] : [type].flat();
    if (types.length > 0 && !types.some((each) => isOf(each, value))) return [wrongType(path, types, value)];
    const words = rest.enum ?? (rest.const === undefined ? [] : [rest.const]);
    if (words.length > 0 && !words.includes(value)) return [wrongWord(path, words, value)];
    if (Array.isArray(value) && items)
      return value.flatMap((item, index) => this.findings(items, item, [...path, index]));
    return properties === undefined ? [] : this.#members({ properties, ...rest }, value as Table, path);
  }

  #members({ properties = {}, required = [], additionalProperties }: Schema, value: Table, path: Path) {
    const unset = Object.keys(properties).filter((name) => value[name] === undefined);
    const misspelt = Object.keys(value).flatMap((name) => {
      const [near] = Object.hasOwn(properties, name) ? [] : nearNames(name, unset);
      return near === undefined || additionalProperties !== false ? [] : [{ name, near }];
    });
    return [
      ...misspelt.map(({ name, near }) => misnamedFinding(nameOf([...path, name]), near)),
      ...required
        .filter((name) => value[name] === undefined && !misspelt.some(({ near }) => near === name))
        .map((name) => lacking(path, name)),
      ...Object.entries(properties).flatMap(([name, each]) =>
        value[name] === undefined ? [] : this.findings(each, value[name], [...path, name]),
      ),
    ];
  }

  /** Of alternatives, the one that is nearest. */
  #fewest(alternatives: readonly Schema[], value: unknown, path: Path): readonly Finding[] {
    const fitting = alternatives.filter((each) => {
      const { type } = this.#resolved(each);
      return type === undefined || [type].flat().some((name) => isOf(name, value));
    });
    const found = (fitting.length > 0 ? fitting : alternatives).map((each) =>
      this.findings(each, value, path),
    );
    return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }

  #resolved(given: Schema): Schema {
    const name = given.$ref?.replace('#/definitions/', '');
    if (name === undefined) return given;
    const found = this.#root.definitions?.[name] ?? this.#root.definitions?.[decodeURIComponent(name)];
    return found === undefined ? {} : this.#resolved(found);
  }
}

const isOf = (type: string, value: unknown): boolean => {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value);
  if (type === 'integer') return Number.isInteger(value);
  return type === 'null' ? value === null : typeof value === type;
};

const isDate = (value: unknown): value is Date => value instanceof Date;

const WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a table',
  string: 'text in quotes',
  boolean: '`true` or `false`, without quotes',
  number: 'a number, without quotes',
  integer: 'a whole number, without quotes',
};

const wrongType = (path: Path, types: readonly string[], value: unknown): Finding =>
  error(
    'wrangler-setting',
    `\`${nameOf(path)}\` is ${shown(value)}, where wrangler expects ${types.map((type) => WORDS[type] ?? type).join(' or ')}.`,
    `Write ${respelt(path, types[0] ?? '', value)}.`,
  );

/** The same value as the type that was asked for. */
const respelt = (path: Path, type: string, value: unknown): string => {
  const name = String(path.findLast((step) => typeof step === 'string') ?? '');
  const text = isDate(value)
    ? value.toISOString().slice(0, 10)
    : typeof value === 'object'
      ? ''
      : String(value);
  if (type === 'string' && text !== '') return `\`${name} = ${JSON.stringify(text)}\``;
  if (type === 'array')
    return typeof value === 'string'
      ? `\`${name} = [${JSON.stringify(value)}]\``
      : `\`[[${nameOf(path)}]]\`, in two brackets, above each entry (JSON: an array)`;
  if (type === 'boolean') return `\`${name} = ${/^(true|on|yes|1)$/i.test(text)}\``;
  if (type === 'object')
    return typeof value === 'boolean'
      ? `\`${name} = { enabled = ${value} }\``
      : `\`[${nameOf(path)}]\` and its settings below it`;
  return `\`${name}\` as ${WORDS[type] ?? type}`;
};

const wrongWord = (path: Path, words: readonly unknown[], value: unknown): Finding =>
  error(
    'wrangler-setting',
    `\`${nameOf(path)}\` is ${shown(value)}, which wrangler does not know.`,
    `Write one of ${words.map((word) => JSON.stringify(word)).join(', ')}.`,
  );

const lacking = (path: Path, name: string): Finding =>
  error('wrangler-setting', `\`${nameOf(path)}\` has no \`${name}\`.`, `Give the entry its \`${name}\`.`);

const misnamedFinding = (name: string, meant: string): Finding =>
  error(
    'wrangler-setting',
    `Wrangler has no setting \`${name}\`, so what stands there changes nothing.`,
    `Write \`${meant}\` in its place.`,
  );

/** `services[0].service` */
const nameOf = (path: Path): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');

const shown = (value: unknown): string => {
  if (isDate(value)) return 'a date without quotes';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a table' : `\`${JSON.stringify(value)}\``;
};
