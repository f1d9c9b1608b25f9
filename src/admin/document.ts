// The OpenAPI 3.1 document of the admin API, made of the Hono app's routes and of the schemas that validate its requests.
// `npm run openapi` writes it to `openapi.json`, so that the Worker need not carry what makes it.
import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { type Status, TITLES } from '../problem.ts';
import { admin } from './admin.ts';
import { answers } from './answers.ts';
import { type Operation, operations } from './validate.ts';

interface JsonSchema {
  readonly properties?: Record<string, object>;
  readonly required?: readonly string[];
}

/** `table` refuses unknown keys by a check of its own, which JSON Schema cannot express. */
const jsonSchema = (schema: GenericSchema): JsonSchema => {
  const { $schema: _, ...made } = toJsonSchema(schema, { errorMode: 'ignore' });
  return made as JsonSchema;
};

const content = (schema: object, type = 'application/json') => ({ content: { [type]: { schema } } });

const answer = (status: Status, name: keyof typeof answers, type?: string) => ({
  description: TITLES[status],
  ...content({ $ref: `#/components/schemas/${name}` }, type),
});

const responses = (good: keyof typeof answers, ...problems: readonly Status[]) => ({
  200: answer(200, good),
  ...Object.fromEntries(
    problems.map((status) => [status, answer(status, 'Problem', 'application/problem+json')]),
  ),
});

const parametersOf = (schema: GenericSchema | undefined) => {
  const { properties = {}, required = [] } = schema ? jsonSchema(schema) : {};
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: each,
  }));
};

const operationOf = ({ summary, query, json, answer: good = 'State' }: Operation) => ({
  summary,
  parameters: parametersOf(query),
  ...(json && { requestBody: { required: true, ...content(jsonSchema(json)) } }),
  responses: responses(good, 400, 404, ...(json ? ([409, 413] as const) : []), 503),
});

/** Operations without a validator, since they take no parameters. */
const FIXED = {
  '/.weir/health': {
    get: {
      summary: 'Whether Weir can work',
      security: [],
      responses: { ...responses('Health'), 503: answer(503, 'Health') },
    },
  },
  '/.weir/config': { get: { summary: 'The configuration in force', responses: responses('Any', 404) } },
  '/.weir/metrics': {
    get: {
      summary: 'Totals for Prometheus, as OpenMetrics; also with `METRICS_TOKEN`',
      responses: {
        200: {
          description: TITLES[200],
          content: { 'application/openmetrics-text': { schema: { type: 'string' } } },
        },
        404: answer(404, 'Problem', 'application/problem+json'),
        501: answer(501, 'Problem', 'application/problem+json'),
      },
    },
  },
  '/.weir/openapi.json': { get: { summary: 'This document', responses: responses('Any', 404) } },
};

/** The document, as JSON text. */
export const openapiDocument = (): string => {
  const paths: Record<string, Record<string, object>> = { ...FIXED };
  for (const { method, path, handler } of admin().routes) {
    const operation = operations.get(handler);
    const full = `/.weir${path}`;
    if (operation) paths[full] = { ...paths[full], [method.toLowerCase()]: operationOf(operation) };
  }
  const schemas = Object.fromEntries(Object.entries(answers).map(([name, each]) => [name, jsonSchema(each)]));
  const document = {
    openapi: '3.1.0',
    info: { title: 'Weir admin API', version: '1' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`ADMIN_TOKEN`' } },
      schemas,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};
