// Middleware that validates a request to the admin API: `c.req.valid('query')` and `c.req.valid('json')` hold the result.
import type { MiddlewareHandler } from 'hono';
import type { GenericSchema, InferOutput } from 'valibot';
import { parseJson } from '../lib/json.ts';
import { readText } from '../lib/read-text.ts';
import { table, validated } from '../lib/shape.ts';
import type { AnswerName } from './answers.ts';
import { Invalid, invalid } from './invalid.ts';

/** Most bytes of a body: a long token and what surrounds it. */
const MAX_BYTES = 16_384;

/** Longest name of a field that an answer quotes. */
const MAX_NAME = 60;

/** What an operation does and takes, for its validation and for the OpenAPI document. */
export interface Operation<
  Query extends GenericSchema = GenericSchema,
  Body extends GenericSchema = GenericSchema,
> {
  readonly summary: string;
  /** Name of the schema of its answer in the OpenAPI document; default `State`. */
  readonly answer?: AnswerName;
  /** Default: no parameters. */
  readonly query?: Query;
  /** Schema of a JSON body; unset: no body is read. */
  readonly json?: Body;
}

interface Valid<Query extends GenericSchema, Body extends GenericSchema> {
  in: { query: Record<string, string>; json: InferOutput<Body> };
  out: { query: InferOutput<Query>; json: InferOutput<Body> };
}

const NOTHING = table({});

/** The operation behind each validator that `takes` made; the OpenAPI document is made of the app's routes and these. */
export const operations = new WeakMap<object, Operation>();

/**
 * Validates the query and the body that an operation takes.
 *
 * @throws {Invalid} that names every field at fault: 400, or 413 for a body that is too long.
 */
export const takes = <
  Query extends GenericSchema = typeof NOTHING,
  Body extends GenericSchema = typeof NOTHING,
>(
  operation: Operation<Query, Body>,
): MiddlewareHandler<object, string, Valid<Query, Body>> => {
  const { query = NOTHING, json } = operation;
  const validator: MiddlewareHandler<object, string, Valid<Query, Body>> = async (c, next) => {
    c.req.addValidatedData('query', checked(query, membersOf(c.req.url)));
    if (json) c.req.addValidatedData('json', checked(json, await readBody(c.req.raw.body)));
    await next();
  };
  operations.set(validator, operation);
  return validator;
};

const membersOf = (url: string): Record<string, string> => {
  const members = [...new URLSearchParams(/\?.*/s.exec(url)?.[0])];
  const names = members.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(twice.slice(0, MAX_NAME), 'to be given once');
  return Object.fromEntries(members);
};

const readBody = async (body: ReadableStream | null): Promise<unknown> => {
  const text = body === null ? '' : await readText(body, MAX_BYTES);
  if (text === undefined) throw invalid('body', `at most ${MAX_BYTES} bytes`, 413);
  return parseJson(text);
};

/** The value itself is never quoted: it may be a token. */
const checked = (schema: GenericSchema, value: unknown): object => {
  const result = validated(schema, value, '');
  if ('output' in result) return result.output as object;
  throw new Invalid(
    result.issues.map(({ at, expected }) => ({
      field: at.replace(/^\./, '').slice(0, MAX_NAME) || 'body',
      expected,
    })),
  );
};
