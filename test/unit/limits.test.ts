// The limits notation: what Flask-Limiter's users write, and how a mistake is named.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_POLICIES, parseLimits } from '../../src/config/notation.ts';
import type { Scope } from '../../src/config/scopes.ts';
import { described } from '../../src/lib/issue.ts';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';

const DAY_MS = 86_400_000;

const policiesOf = (text: string, scope: Scope = 'default', algorithm: Algorithm = 'sliding-window') => {
  const { policies, problems } = parseLimits(text, scope, algorithm);
  expect(problems).toEqual([]);
  return policies;
};

const namesOf = (text: string, scope?: Scope) => policiesOf(text, scope).map((policy) => policy.name);

const problemsOf = (text: string, algorithm: Algorithm = 'sliding-window') =>
  parseLimits(text, 'default', algorithm).problems.map(described);

describe('limits notation', () => {
  it.each([
    // The examples of Flask-Limiter's documentation.
    ['100/hour', ['100/hour']],
    ['10 per minute', ['10/minute']],
    ['10 per hour', ['10/hour']],
    ['10/hour;100/day;2000 per year', ['10/hour', '100/day', '2000/year']],
    ['100/day, 500/7days', ['100/day', '500/7days']],
    ['5/2 seconds; 10/hour,100 / 1 Day | 1 per year', ['5/2seconds', '10/hour', '100/day', '1/year']],
    ['1 per second', ['1/second']],
    ['1/day, 100 per 3 month', ['1/day', '100/3months']],
    // Its expression also takes these.
    ['10per2days', ['10/2days']],
    ['10perminute', ['10/minute']],
    ['10/2DAYS', ['10/2days']],
    ['  10  /  2   Hours  ', ['10/2hours']],
    ['10 PER Minutes', ['10/minute']],
    ['010/01 minute', ['10/minute']],
    ['10\t/\nminute', ['10/minute']],
    ['999999999999999/second', ['999999999999999/second']],
  ])('%s', (text, names) => {
    expect(namesOf(text)).toEqual(names);
  });

  it.each([
    ['1/second', 1000],
    ['1/90 seconds', 90_000],
    ['1/minute', 60_000],
    ['1/hour', 3_600_000],
    ['1/day', DAY_MS],
    ['1/month', 30 * DAY_MS],
    ['1/year', 360 * DAY_MS],
    ['1/10 years', 3600 * DAY_MS],
  ])('%s lasts %i ms', (text, windowMs) => {
    expect(policiesOf(text)[0]?.windowMs).toBe(windowMs);
  });

  it('names whoever sets a policy, but for the caller’s own', () => {
    expect(namesOf('10/minute', 'default')).toEqual(['10/minute']);
    expect(namesOf('10/minute', 'anonymous')).toEqual(['10/minute']);
    expect(namesOf('10/minute', 'ip')).toEqual(['ip:10/minute']);
    expect(namesOf('10/minute', 'global')).toEqual(['global:10/minute']);
    expect(namesOf('10/minute', 'preflight')).toEqual(['preflight:10/minute']);
    expect(namesOf('30/minute', 'search')).toEqual(['search:30/minute']);
  });

  it('keeps the counter when only the quota changes', () => {
    const [before] = policiesOf('10/minute');
    const [after] = policiesOf('500/60 seconds');
    expect(after?.counter).toBe(before?.counter);
  });

  it('gives every scope, algorithm and window a counter of its own', () => {
    const counters = ['default', 'anonymous', 'ip', 'search'].flatMap((scope) =>
      (['sliding-window', 'gcra', 'fixed-window'] as const).flatMap((algorithm) =>
        policiesOf('1/second, 1/minute, 1/2 minutes', scope, algorithm).map((policy) => policy.counter),
      ),
    );
    expect(new Set(counters).size).toBe(4 * 3 * 3);
  });

  it('tells a calendar month from 30 days under fixed windows, where they are two windows', () => {
    const counters = policiesOf('1/month, 1/30 days', 'default', 'fixed-window').map((each) => each.counter);
    expect(new Set(counters).size).toBe(2);
  });

  it.each([
    ['ten/minute', '`<quota>/<unit>`, got `ten/minute`'],
    ['10', '`<quota>/<unit>`, got `10`'],
    ['/minute', '`<quota>/<unit>`, got `/minute`'],
    ['10/', '`<quota>/<unit>`, got `10/`'],
    ['10 minute', '`<quota>/<unit>`, got `10 minute`'],
    ['10/fortnight', '`<quota>/<unit>`, got `10/fortnight`'],
    ['10/min', '`<quota>/<unit>`, got `10/min`'],
    ['-1/minute', '`<quota>/<unit>`, got `-1/minute`'],
    ['1.5/minute', '`<quota>/<unit>`, got `1.5/minute`'],
    ['1e3/minute', '`<quota>/<unit>`, got `1e3/minute`'],
    ['10/1.5 minutes', '`<quota>/<unit>`, got `10/1.5 minutes`'],
    ['10/-2 days', '`<quota>/<unit>`, got `10/-2 days`'],
    ['١٠/minute', '`<quota>/<unit>`, got `١٠/minute`'],
    ['10/minute,', '`<quota>/<unit>`, got nothing'],
    ['10/minute;;5/hour', '`<quota>/<unit>`, got nothing'],
    ['0/minute', 'a quota from 1 to 999999999999999, got `0/minute`'],
    ['1000000000000000/day', 'a quota from 1 to 999999999999999, got `1000000000000000/day`'],
    ['10/0 days', 'a window from 1 second to 10 years, got `10/0 days`'],
    ['10/11 years', 'a window from 1 second to 10 years, got `10/11 years`'],
    [
      '10/99999999999999999999 days',
      'a window from 1 second to 10 years, got `10/99999999999999999999 days`',
    ],
    ['10/minute, 20/60 seconds', 'each window once, beside `10/minute`, got `20/60 seconds`'],
    ['10/minute | 10/minute', 'each window once, beside `10/minute`, got `10/minute`'],
    ['1/month, 2/30 days', 'each window once, beside `1/month`, got `2/30 days`'],
  ])('refuses %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('reads requests in flight beside windows, by whatever is counted by', () => {
    const { policies, slots, problems } = parseLimits(
      '100/minute; 5 at once, 20  AT once by org.id | 1 at once by everyone',
      'search',
      'sliding-window',
    );
    expect(problems).toEqual([]);
    expect(policies.map(({ name }) => name)).toEqual(['search:100/minute']);
    expect(slots.map(({ name, slots: count }) => [name, count])).toEqual([
      ['search:5 at once', 5],
      ['search:20 at once by org.id', 20],
      ['search:1 at once by everyone', 1],
    ]);
    expect(new Set(slots.map(({ counter }) => counter)).size).toBe(3);
  });

  it('keeps the slots that are taken when only their number changes', () => {
    const counterOf = (text: string) => parseLimits(text, 'default', 'gcra').slots[0]?.counter;
    expect(counterOf('5 at once')).toBe(counterOf('9 at once'));
  });

  it.each([
    ['0 at once', 'from 1 to 10000 at once, got `0 at once`'],
    ['10001 at once', 'from 1 to 10000 at once, got `10001 at once`'],
    ['five at once', '`<n> at once`, got `five at once`'],
    ['5/minute at once', '`<n> at once`, got `5/minute at once`'],
    ['5 at once by', '`<n> at once`, got `5 at once by`'],
    ['5 at once; 6 at once', '`at once` once for each key, beside `5 at once`, got `6 at once`'],
  ])('refuses %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('names every part at fault, not only the first', () => {
    expect(problemsOf('ten/minute, 5/hour, 0/day')).toHaveLength(2);
  });

  it('refuses a gcra quota of more than one permit a microsecond, and takes exactly one', () => {
    expect(problemsOf('1000001/second', 'gcra')).toEqual([
      'at most one permit a microsecond for gcra, got `1000001/second`',
    ]);
    expect(problemsOf('1000000/second', 'gcra')).toEqual([]);
    expect(problemsOf('1000001/second', 'sliding-window')).toEqual([]);
  });

  it('refuses the same fixed window twice, however it is written', () => {
    expect(problemsOf('1/year, 2/12 months', 'fixed-window')).toHaveLength(1);
    expect(problemsOf('1/day, 2/24 hours', 'fixed-window')).toHaveLength(1);
  });

  it('takes 16 policies in a list and no more', () => {
    const list = (length: number) => Array.from({ length }, (_, index) => `1/${index + 1} days`).join();
    expect(problemsOf(list(MAX_POLICIES))).toEqual([]);
    expect(problemsOf(list(MAX_POLICIES + 1))).toEqual(['at most 16 policies on one request, got `17`']);
  });

  it('cuts a long part short in its message', () => {
    expect(problemsOf('x'.repeat(500))[0]).toBe(`\`<quota>/<unit>\`, got \`${'x'.repeat(60)}…\``);
  });

  it('reads back every name it makes', () => {
    const unit = fc.constantFrom('second', 'minute', 'hour', 'day', 'month', 'year');
    const part = fc.tuple(
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 9 }),
      unit,
      fc.boolean(),
    );
    fc.assert(
      fc.property(part, ([quota, count, word, per]) => {
        const [policy] = policiesOf(`${quota}${per ? ' per ' : '/'}${count} ${word}s`);
        expect(policiesOf(policy?.name ?? '')).toEqual([policy]);
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => parseLimits(text, 'default', 'gcra').policies.length >= 0));
  });
});
