// The OpenAPI 3.1 document of the admin API, made of the schemas that validate its requests.

import type { Schema } from '../schema.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { answers } from './schemas.ts';

const ref = (name: keyof typeof answers) => ({ $ref: `#/components/schemas/${name}` });

const content = (schema: object, type = 'application/json') => ({ content: { [type]: { schema } } });

const problem = (description: string) => ({
  description,
  ...content(ref('Problem'), 'application/problem+json'),
});

const good = (schema: object) => ({ 200: { description: 'OK', ...content(schema) } });

const refused = { 404: problem('Without the right token, and where nothing is') };

const parametersOf = ({ properties = {}, required = [] }: Schema) =>
  Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
  }));

const operationOf = ({ summary, query, body }: Endpoint) => ({
  summary,
  parameters: parametersOf(query),
  ...(body && { requestBody: { required: true, ...content(body) } }),
  responses: {
    ...good(ref('State')),
    400: problem('The fields that are wrong'),
    ...refused,
    ...(body && { 409: problem('64 tokens are revoked already'), 413: problem('Too large') }),
    503: problem('The Limiter did not answer'),
  },
});

const fixed = {
  '/.weir/health': {
    get: {
      summary: 'Whether Weir can work',
      security: [],
      responses: { ...good(ref('Health')), 503: { description: 'Misconfigured', ...content(ref('Health')) } },
    },
  },
  '/.weir/config': {
    get: { summary: 'The configuration in force', responses: { ...good(ref('Any')), ...refused } },
  },
  '/.weir/openapi.json': {
    get: { summary: 'This document', responses: { ...good(ref('Any')), ...refused } },
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
