// What the admin API answers: schemas for its OpenAPI document alone, so they are no part of the Worker.
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer());
const time = v.nullable(v.pipe(v.string(), v.isoTimestamp()));

const policy = v.object({
  name: v.string(),
  algorithm: v.string(),
  quota: count,
  windowSeconds: v.number(),
  remaining: count,
  resetSeconds: count,
});

const state = v.object({
  issuer: v.optional(v.string()),
  subject: v.optional(v.string()),
  address: v.optional(v.string()),
  key: v.optional(v.string()),
  value: v.optional(v.string()),
  partition: v.pipe(v.nullable(v.string()), v.description('its name in logs and data points')),
  policies: v.array(policy),
  override: v.nullable(v.object({ limits: v.string(), since: time, until: time, reason: v.string() })),
  revoked: v.object({
    before: time,
    until: time,
    jtis: v.array(v.object({ jti: v.string(), until: time })),
  }),
  firstSeen: time,
  lastSeen: time,
});

const problem = v.object({
  type: v.string(),
  title: v.string(),
  status: count,
  errors: v.optional(v.array(v.object({ field: v.string(), expected: v.string() }))),
});

/** Schemas of the answers, by their names in the document. */
export const answers = {
  State: state,
  Problem: problem,
  /** `failed`: key sources without a usable key. */
  Health: v.object({ status: v.string(), failed: v.optional(v.array(v.string())) }),
  Any: v.looseObject({}),
} as const;

export type AnswerName = keyof typeof answers;
