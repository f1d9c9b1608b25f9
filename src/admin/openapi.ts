// The OpenAPI 3.1 document of the admin API, made of the schemas that validate its requests.

import type { Schema } from '../lib/schema.ts';
import { type Status, TITLES } from '../problem.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { answers } from './schemas.ts';

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

const parametersOf = ({ properties = {}, required = [] }: Schema) =>
  Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
  }));

const operationOf = ({ summary, query, body }: Endpoint) => ({
  summary,
  parameters: parametersOf(query),
  ...(body && { requestBody: { required: true, ...content(body) } }),
  responses: responses('State', 400, 404, ...(body ? ([409, 413] as const) : []), 503),
});

const fixed = {
  '/.weir/health': {
    get: {
      summary: 'Whether Weir can work',
      security: [],
      responses: { ...responses('Health'), 503: answer(503, 'Health') },
    },
  },
  '/.weir/config': {
    get: { summary: 'The configuration in force', responses: responses('Any', 404) },
  },
  '/.weir/openapi.json': {
    get: { summary: 'This document', responses: responses('Any', 404) },
  },
};

export const openapi = (): object => {
  const paths: Record<string, Record<string, object>> = { ...fixed };
  for (const [key, endpoint] of Object.entries(endpoints)) {
    const [method = '', path = ''] = key.toLowerCase().split(' ');
    paths[path] = { ...paths[path], [method]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Weir admin API', version: '1' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`ADMIN_TOKEN`' } },
      schemas: answers,
    },
  };
};
