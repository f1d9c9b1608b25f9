// The shape of JSON: the part of JSON Schema (draft 2020-12) that Weir needs, its TypeScript type, and what does not fit.
// One source for structured vars, for the admin API's input and for its OpenAPI document.
import { quote } from './limits.ts';

export interface Schema {
  /** Unset, and without `anyOf`: anything fits. */
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** What keys beside `properties` hold; they are refused where this is `false` or unset. */
  readonly additionalProperties?: false | Schema;
  readonly description?: string;
}

/** The type of what fits a schema that is written `as const`. */
export type Fitting<S> = S extends { enum: readonly (infer Word)[] }
  ? Word
  : S extends { type: infer Type }
    ? FittingType<S, Type>
    : S extends { anyOf: readonly (infer Option)[] }
      ? Fitting<Option>
      : unknown;

type FittingType<S, Type> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : S extends { items: infer Item }
        ? readonly Fitting<Item>[]
        : FittingTable<S>;

type FittingTable<S> = S extends { properties: infer Properties }
  ? { readonly [Key in keyof Properties & Needed<S>]: Fitting<Properties[Key]> } & {
      readonly [Key in Exclude<keyof Properties, Needed<S>>]?: Fitting<Properties[Key]>;
    }
  : S extends { additionalProperties: infer Value }
    ? Readonly<Record<string, Fitting<Value>>>
    : never;

type Needed<S> = S extends { required: readonly (infer Key)[] } ? Key : never;

/** Something that does not fit: where (`ROUTES[0].cost`), and what was expected. */
export interface Misfit {
  readonly at: string;
  readonly problem: string;
}

type Table = Readonly<Record<string, unknown>>;

/** Everything that does not fit, where `at` names the value itself. */
export const misfits = (schema: Schema, value: unknown, at: string): readonly Misfit[] => {
  if (schema.anyOf) return misfitsOfAny(schema.anyOf, value, at);
  const problem = problemOf(schema, value);
  if (problem !== undefined) return [{ at, problem: `expected ${problem}, got ${shown(value)}` }];
  const { items } = schema;
  if (items && Array.isArray(value)) return value.flatMap((item, i) => misfits(items, item, `${at}[${i}]`));
  return schema.type === 'object' && isTable(value) ? misfitsOfTable(schema, value, at) : [];
};

/** Where no option fits, the last one says what was expected. */
const misfitsOfAny = (options: readonly Schema[], value: unknown, at: string): readonly Misfit[] => {
  const each = options.map((option) => misfits(option, value, at));
  return each.find((found) => found.length === 0) ?? each.at(-1) ?? [];
};

const misfitsOfTable = (schema: Schema, table: Table, at: string): readonly Misfit[] => {
  const { properties = {}, required = [], additionalProperties } = schema;
  const own = (record: Table, key: string) => (Object.hasOwn(record, key) ? record[key] : undefined);
  return [...new Set([...required, ...Object.keys(table)])].flatMap((key) => {
    const where = at === '' ? key : `${at}.${key}`;
    const inner = (own(properties, key) as Schema | undefined) ?? additionalProperties;
    if (!inner) return [{ at: where, problem: 'expected no such key' }];
    const value = own(table, key);
    return value === undefined && !required.includes(key) ? [] : misfits(inner, value, where);
  });
};

/** What was expected of the value itself, leaving out what it holds. */
const problemOf = (schema: Schema, value: unknown): string | undefined => {
  const { type, enum: words } = schema;
  if (type === undefined) return undefined;
  if (value === undefined) return 'a value';
  if (words) return words.some((word) => word === value) ? undefined : oneOf(words);
  if (!TYPES[type].holds(value)) return TYPES[type].name;
  if (typeof value === 'string')
    return outside(value.length, schema.minLength, schema.maxLength, ' characters');
  return typeof value === 'number' ? outside(value, schema.minimum, schema.maximum, '') : undefined;
};

const outside = (
  size: number,
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
  unit: string,
): string | undefined => (size < min || size > max ? `${min} to ${max}${unit}` : undefined);

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES = {
  object: { name: 'a table', holds: isTable },
  array: { name: 'an array', holds: Array.isArray },
  string: { name: 'a string', holds: (value: unknown) => typeof value === 'string' },
  number: { name: 'a number', holds: (value: unknown) => typeof value === 'number' },
  integer: { name: 'a whole number', holds: Number.isSafeInteger },
  boolean: { name: '`true` or `false`', holds: (value: unknown) => typeof value === 'boolean' },
} as const;

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return TYPES.array.name;
  return isTable(value) ? TYPES.object.name : quote(String(value));
};

/** `a`, `b` or `c`. */
export const oneOf = (words: readonly string[]): string =>
  words
    .map((word) => `\`${word}\``)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ');
