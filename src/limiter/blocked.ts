// What a blocked partition is answered.
import { DENIAL_MS, denial, type Reply } from './messages.ts';
import type { Policy } from './policy.ts';
import type { Override } from './standing.ts';

const BLOCKED = 'blocked';

/** Denies everything until its end. Its name, quota and window stay the same on every response. */
const blockedPolicy = ({ since, until }: Override): Policy => ({
  name: 'blocked',
  counter: BLOCKED,
  algorithm: 'fixed-window',
  quota: 0,
  windowMs: until - since,
  count: 1,
  unit: 'second',
});

/** Whether these policies are those of a blocked partition. */
export const isBlocked = (policies: readonly Policy[]): boolean =>
  policies.some(({ counter }) => counter === BLOCKED);

export const blockedReply = (override: Override, now: number): Reply => {
  const left = override.until - now;
  const decision = { allowed: false, remaining: 0, retryAfterMs: left, resetMs: left };
  return { ...denial([decision], Math.min(left, DENIAL_MS)), policies: [blockedPolicy(override)] };
};
