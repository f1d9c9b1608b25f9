// What the admin API takes: the schemas that validate its requests and, at build time, make its OpenAPI document.
import * as v from 'valibot';
import { MAX_SUBJECT_LENGTH } from '../auth/claims.ts';
import { MAX_TOKEN_LENGTH } from '../auth/shape.ts';
import { table, word } from '../lib/shape.ts';
import { RANGES, type Range } from '../pulse/state.ts';

const text = (maxLength: number, description?: string) => {
  const bounds = `1 to ${maxLength} characters`;
  const bounded = v.pipe(v.string('a string'), v.minLength(1, bounds), v.maxLength(maxLength, bounds));
  return description === undefined ? bounded : v.pipe(bounded, v.description(description));
};

/** What is expected of fields that no schema alone can check. */
export const EXPECTED = {
  address: 'an IPv4 or IPv6 address, or a network of at most 256 clients such as `192.0.2.0/24`',
  issuer: 'the `iss` of the tokens, since `JWT_ISSUER` is unset; empty for tokens without one',
  before: '`now` or an RFC 3339 time, not in the future',
  partition: 'the 32 hex digits of a `partition` in the log',
  until: 'a future RFC 3339 time, within ten years',
} as const;

const issuer = v.optional(
  v.pipe(
    v.string('a string'),
    v.maxLength(1024, 'at most 1024 characters'),
    v.description('required unless exactly one issuer is configured; empty for tokens without `iss`'),
  ),
);
const until = text(40, EXPECTED.until);

/** In the operator's own words, for the audit trail. */
const reason = v.optional(text(200, 'why, for the audit trail'));

/** What names a partition, alone and with the reason of a change. */
const naming = <const Entries extends v.ObjectEntries>(entries: Entries) => ({
  look: table(entries),
  change: table({ ...entries, reason }),
});

export const subjectQuery = naming({ issuer, subject: text(MAX_SUBJECT_LENGTH) });

/** The subject is optional, since a token to revoke names its own. */
export const revokeQuery = table({ issuer, subject: v.optional(text(MAX_SUBJECT_LENGTH)) });

export const addressQuery = naming({ address: text(49, EXPECTED.address) });

const partition = v.pipe(
  v.string('a string'),
  v.regex(/^[0-9a-f]{32}$/, '32 hex digits'),
  v.description('its name in logs and data points'),
);

export const partitionQuery = naming({ partition });

/** What Pulse is asked for. */
export const pulseQuery = table({
  range: v.optional(word(Object.keys(RANGES) as [Range, ...Range[]])),
  minutes: v.optional(word(['1', '5', '15'])),
});

export const pathQuery = table({
  method: v.optional(v.pipe(v.string('a string'), v.regex(/^[A-Z]{1,20}$/, 'a method such as `GET`'))),
  path: v.pipe(text(4096), v.regex(/^\//, 'a path that begins with `/`')),
});

/** A name of 32 hex digits, as the log has it. */
export const whoQuery = table({ partition: v.pipe(text(32), v.regex(/^[0-9a-f]{32}$/, EXPECTED.partition)) });

/** Names any partition: `{ key: 'org.id', value: 'acme' }`, `{ key: 'everyone' }`. */
export const keyQuery = naming({
  key: text(110, 'as limits have it after `by`: `org.id`, `:team`, `everyone`'),
  value: v.optional(text(1024, 'the value of the key; none for `everyone`')),
  issuer,
});

export const overrideBody = table({
  limits: text(1024, 'such as `10/minute; 100/hour`, `none` or `blocked`'),
  until,
  reason: text(200),
});

/** Takes exactly one of `token`, `jti` and `before`. */
export const revokeBody = table({
  token: v.optional(text(MAX_TOKEN_LENGTH)),
  jti: v.optional(text(255)),
  before: v.optional(text(40, EXPECTED.before)),
  until: v.optional(until),
  reason,
});
