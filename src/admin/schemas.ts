// What the admin API takes and gives. The first half validates requests; both are in the OpenAPI document.
import type { Schema } from '../lib/schema.ts';

const text = (maxLength: number, description?: string): Schema => ({
  type: 'string',
  ...{ minLength: 1, maxLength, description },
});

const members = (properties: Record<string, Schema>, required: readonly string[]): Schema => ({
  type: 'object',
  ...{ properties, required, additionalProperties: false },
});

/** What the fields whose form no schema tells are to be. */
export const EXPECTED = {
  address: 'an IPv4 or IPv6 address',
  before: '`now` or a time of RFC 3339 that is not to come',
  until: 'a time of RFC 3339 to come, within ten years',
} as const;

const until = text(40, EXPECTED.until);

export const subjectQuery = members(
  { issuer: text(1024, 'needed where several are configured'), subject: text(255) },
  ['subject'],
);

/** A token that is revoked says itself whose it is. */
export const revokeQuery: Schema = { ...subjectQuery, required: [] };

export const addressQuery = members({ address: text(45, EXPECTED.address) }, ['address']);

export const overrideBody = members(
  { limits: text(1024, 'such as `10/minute; 100/hour`, `none` or `blocked`'), until, reason: text(200) },
  ['limits', 'until', 'reason'],
);

/** One of the first three. */
export const revokeBody = members(
  { token: text(8192), jti: text(255), before: text(40, EXPECTED.before), until },
  [],
);

const string = { type: 'string' };
const integer = { type: 'integer' };
const time = { type: ['string', 'null'], format: 'date-time' };
const list = (items: object) => ({ type: 'array', items });
const table = (properties: object, type: unknown = 'object', required = Object.keys(properties)) => ({
  ...{ type, properties, required },
});

const policy = {
  ...{ name: string, algorithm: string, quota: integer, windowSeconds: { type: 'number' } },
  ...{ remaining: integer, resetSeconds: integer },
};

const state = {
  partition: { type: ['string', 'null'], description: 'its name in logs and data points' },
  policies: list(table(policy)),
  override: table({ limits: string, since: time, until: time, reason: string }, ['object', 'null']),
  revoked: table({ before: time, until: time, jtis: list(table({ jti: string, until: time })) }),
  ...{ firstSeen: time, lastSeen: time },
};

export const answers = {
  State: table({ ...state, issuer: string, subject: string, address: string }, 'object', Object.keys(state)),
  Problem: table(
    {
      ...{ type: string, title: string, status: integer },
      errors: list(table({ field: string, expected: string })),
    },
    'object',
    ['type', 'title', 'status'],
  ),
  Health: table({ status: string }),
  Any: { type: 'object' },
};
