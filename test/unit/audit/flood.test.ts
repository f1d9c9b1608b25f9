// When a flood of bad tokens counts as harm, and when only as a busy machine.
import { describe, expect, it } from 'vitest';
import { type Good, isConfirmed, isHarmed, type Wave } from '../../../tools/audit/flood.ts';

const wave = (calmMs: number, floodMs: number, admitted = true, size = 35): Wave => {
  const good: Good = { admitted, calmMs, floodMs };
  return { size, sent: size, limited: 0, good };
};

const calm = wave(2, 60);
const slow = wave(2, 500);
const refused = wave(2, 60, false);

describe('a wave of bad tokens', () => {
  it.each([
    ['none where times stay', calm, false],
    ['none where a slow API is no slower in proportion', wave(200, 500), false],
    ['none where it had no good request', { ...slow, good: undefined }, false],
    ['harm where good requests wait', slow, true],
    ['harm where good requests are refused', refused, true],
    ['harm in proportion where it is small', wave(2, 90, true, 15), true],
  ])('does %s', (_, one, harmed) => {
    expect(isHarmed(one)).toBe(harmed);
  });
});

describe('harm is confirmed', () => {
  it.each([
    ['by two slow waves beside two that are not', [slow, slow], [calm, calm], true],
    ['by a refusal beside none', [refused], [calm], true],
    ['never by one wave of two', [slow, calm], [calm, calm], false],
    ['never where the same happens without bad tokens', [slow, slow], [calm, slow], false],
    ['never by less than twice the time', [wave(2, 200), wave(2, 500)], [calm, wave(2, 110)], false],
    ['never by refusals that come anyway', [refused], [refused], false],
  ])('%s', (_, bad, control, confirmed) => {
    expect(isConfirmed({ bad, control })).toBe(confirmed);
  });
});
