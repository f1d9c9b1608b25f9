// Valibot schemas of structured values, each with the words for what it expects.
import * as v from 'valibot';
import { type LocatedIssue, oneOf } from './issue.ts';
import { isTable, type Table } from './json.ts';

export const text = v.string('a string');

export const number = v.number('a number');

/** One of these words. */
export const word = <const Words extends readonly string[]>(words: Words) => v.picklist(words, oneOf(words));

/** An array whose items fit `item`. */
export const listOf = <Item extends v.GenericSchema>(item: Item) => v.array(item, 'an array');

/** Valibot ignores keys of these names, whatever they hold. */
const UNREADABLE = ['__proto__', 'prototype', 'constructor'];

const isReadable = v.rawCheck<Table>(({ dataset, addIssue }) => {
  for (const key of UNREADABLE) {
    const table = dataset.value;
    if (isTable(table) && Object.hasOwn(table, key))
      addIssue({
        message: 'no such key',
        path: [{ type: 'object', origin: 'key', input: table, key, value: undefined }],
      });
  }
});

/** To valibot an array is an object as well. */
const anyTable = v.pipe(v.custom<Table>(isTable, 'a table'), isReadable);

/** A table of these keys and no other; every key that is not `v.optional` must be there. */
export const table = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(anyTable, v.objectWithRest(entries, v.never('no such key'), 'a value'));

/** A table of any keys whose values fit `value`. */
export const tableOf = <Value extends v.GenericSchema>(value: Value) =>
  v.pipe(anyTable, v.record(v.string(), value));

/** The value as its schema types it, or everything that is wrong with it. @param at what the issues call the value itself. */
export const validated = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  at: string,
): { readonly output: v.InferOutput<Schema> } | { readonly issues: readonly LocatedIssue[] } => {
  const result = v.safeParse(schema, value);
  return result.success
    ? { output: result.output }
    : { issues: result.issues.map((issue) => located(issue, at)) };
};

/** A key that should not be there may be a secret's, so what it holds is not shown. */
const located = ({ path, type, message, input }: v.BaseIssue<unknown>, at: string): LocatedIssue => ({
  at: at + (path?.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('') ?? ''),
  expected: message,
  got: type === 'never' || type === 'raw_check' ? undefined : input,
});
