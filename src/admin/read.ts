// A request of the admin API -> validated strings. Throws an `Invalid` that names every field at fault.
import { parseJson } from '../lib/json.ts';
import { readText } from '../lib/read-text.ts';
import { misfits, type Schema } from '../lib/schema.ts';
import { Invalid, invalid } from './invalid.ts';
import type { Input } from './partitions.ts';

/** Bytes of a body: a token of 8 KiB and what stands around it. */
const MAX_BYTES = 16_384;

/** Longest name of a field that an answer repeats. */
const MAX_NAME = 60;

export const readQuery = (url: string, schema: Schema): Input => {
  const members = [...new URLSearchParams(/\?.*/s.exec(url)?.[0])];
  const names = members.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(twice.slice(0, MAX_NAME), 'to be given once');
  return checked(schema, Object.fromEntries(members));
};

export const readBody = async (body: ReadableStream | null, schema: Schema): Promise<Input> => {
  const text = body === null ? '' : await readText(body, MAX_BYTES);
  if (text === undefined) throw invalid('body', `at most ${MAX_BYTES} bytes`, 413);
  return checked(schema, parseJson(text));
};

/** What was got is not repeated: it may be a token. */
const checked = (schema: Schema, value: unknown): Input => {
  const faults = misfits(schema, value, '').map(({ at, expected }) => ({
    field: at.slice(0, MAX_NAME) || 'body',
    expected,
  }));
  if (faults.length > 0) throw new Invalid(faults);
  return value as Input;
};
