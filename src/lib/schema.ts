// The shape of JSON: the part of JSON Schema (draft 2020-12) that Weir needs, its TypeScript type, and what does not fit.
// One source for structured vars, for the admin API's input and for its OpenAPI document.

import { type LocatedIssue, oneOf } from './issue.ts';
import { isTable, type Table } from './json.ts';

export interface Schema {
  /** Unset: anything fits. */
  readonly type?: 'string' | 'number' | 'array' | 'object';
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** What keys beside `properties` hold; they are refused where this is `false` or unset. */
  readonly additionalProperties?: false | Schema;
  readonly description?: string;
}

/** Everything that does not fit, where `at` names the value itself. */
export const misfits = (schema: Schema, value: unknown, at: string): readonly LocatedIssue[] => {
  const expected = expectedOf(schema, value);
  if (expected !== undefined) return [{ at, expected, got: value }];
  const { items } = schema;
  if (items && Array.isArray(value)) return value.flatMap((item, i) => misfits(items, item, `${at}[${i}]`));
  return schema.type === 'object' && isTable(value) ? misfitsOfTable(schema, value, at) : [];
};

const misfitsOfTable = (schema: Schema, table: Table, at: string): readonly LocatedIssue[] => {
  const { properties = {}, required = [], additionalProperties } = schema;
  const own = (record: Table, key: string) => (Object.hasOwn(record, key) ? record[key] : undefined);
  return [...new Set([...required, ...Object.keys(table)])].flatMap((key) => {
    const where = at === '' ? key : `${at}.${key}`;
    const inner = (own(properties, key) as Schema | undefined) ?? additionalProperties;
    if (!inner) return [{ at: where, expected: 'no such key' }];
    const value = own(table, key);
    return value === undefined && !required.includes(key) ? [] : misfits(inner, value, where);
  });
};

/** What was expected of the value itself, leaving out what it holds; undefined where it fits. */
const expectedOf = (schema: Schema, value: unknown): string | undefined => {
  const { type, enum: words, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (type === undefined) return undefined;
  if (value === undefined) return 'a value';
  if (words) return words.some((word) => word === value) ? undefined : oneOf(words);
  if (typeOf(value) !== type) return NAMES[type];
  const isOutside = typeof value === 'string' && (value.length < minLength || value.length > maxLength);
  return isOutside ? `${minLength} to ${maxLength} characters` : undefined;
};

/** JSON's word for what a value is. */
const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;

const NAMES = { object: 'a table', array: 'an array', string: 'a string', number: 'a number' } as const;
