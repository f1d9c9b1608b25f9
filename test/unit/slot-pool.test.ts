// What an isolate still says of slots from which the Limiter has not heard.
import { expect, test } from 'vitest';
import { SLOT_MS } from '../../src/limiter/slots.ts';
import { endSlot, hold, newPool, RENEW_MS, settleRenewal, startRenewal } from '../../src/quota/slot-pool.ts';

const SLOT = { name: '5 at once', counter: 'default:at-once', slots: 5 };
const PLAN = { id: 0, kind: 'subject', key: { kind: 'subject' }, policies: [SLOT], mode: 'enforce' } as const;

/** The last moment at which an isolate may still speak of a slot that was asked for at 0. */
const LAST_MS = SLOT_MS - RENEW_MS - 1;

const heldSince = (askedAt: number) => {
  const pool = newPool(PLAN, 'alice', new Map());
  const slot = hold(pool, 'a', askedAt, [4], askedAt);
  /** Its request goes on. */
  const touch = (now: number) => {
    slot.touchedAt = now;
  };
  return { pool, slot, touch };
};

test('a slot that the Limiter may have lent to another is neither renewed nor given back', () => {
  const { pool, slot, touch } = heldSince(0);
  touch(LAST_MS);
  expect(startRenewal(pool, LAST_MS)).toEqual(['a']);
  touch(LAST_MS + RENEW_MS);
  expect(startRenewal(pool, LAST_MS + RENEW_MS)).toEqual([]);
  expect(endSlot(slot, LAST_MS + RENEW_MS)).toBe(false);
});

test('a slot counts as heard of from when the renewal was sent, and an older one changes nothing', () => {
  const { pool, slot, touch } = heldSince(0);
  settleRenewal(pool, ['a'], 3_000);
  settleRenewal(pool, ['a'], 1_000);
  expect(slot.heardAt).toBe(3_000);
  touch(3_000 + LAST_MS + 1);
  expect(startRenewal(pool, 3_000 + LAST_MS + 1)).toEqual([]);
});

test('slots that end go to those that wait in turn, one to each', () => {
  const { pool, slot } = heldSince(0);
  const other = hold(pool, 'b', 0, [3], 0);
  const told: string[] = [];
  for (const name of ['first', 'second'])
    pool.waiters.push({ state: 'asked', until: 10_000, tell: () => void told.push(name) });
  endSlot(slot, 100);
  endSlot(other, 100);
  expect(told).toEqual(['first', 'second']);
});
