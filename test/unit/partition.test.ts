// Whose a counter is: what a token claims, and names of partitions that cannot run together.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyedOf } from '../../src/admin/partitions.ts';
import { keyValuesOf } from '../../src/auth/claims.ts';
import { parseConfig } from '../../src/config/config.ts';
import {
  addressPartition,
  claimPartition,
  type Facts,
  paramPartition,
  partitionOf,
  subjectPartition,
} from '../../src/partition.ts';
import { paramsOf } from '../../src/routing/params.ts';

const CLAIM = { kind: 'claim', claim: 'org.id' } as const;

/** The partition of a limit `by org.id` for a token of `alice`. */
const partitionFor = (org: unknown, issuer = 'https://issuer.test'): string => {
  const own = subjectPartition(issuer, 'alice');
  const identity = { partition: own, issuer, keyValues: keyValuesOf({ org }, [CLAIM.claim]) };
  const facts: Facts = { identity, address: '192.0.2.1', ipv6Prefix: 64, param: () => '' };
  return partitionOf(CLAIM, facts);
};

const ALICE = subjectPartition('https://issuer.test', 'alice');

describe('a limit by a claim', () => {
  it.each([
    ['an array', ['acme']],
    ['an object', { id: 'acme' }],
    ['nothing', ''],
    ['null', null],
    ['true', true],
    ['a fraction', 1.5],
    ['a number that is not exact', 2 ** 53],
    ['a text longer than a subject may be', 'x'.repeat(1_025)],
    ['half a character', '\ud83d'],
  ])('counts a token whose claim is %s as its subject', (_, id) => {
    expect(partitionFor({ id })).toBe(ALICE);
  });

  it('counts a token whose claim is anything else by just that', () => {
    const usable = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
      fc.maxSafeInteger(),
    );
    fc.assert(
      fc.property(usable, usable, (a, b) => {
        expect(partitionFor({ id: a })).not.toBe(ALICE);
        expect(partitionFor({ id: a }) === partitionFor({ id: b })).toBe(String(a) === String(b));
      }),
    );
  });

  it('counts anything at all as a subject or as a text, and throws at nothing', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (org) => {
        expect(JSON.parse(partitionFor(org))).toEqual(expect.arrayContaining([expect.any(String)]));
      }),
    );
  });

  it('shares nothing between two issuers', () => {
    expect(partitionFor({ id: 'acme' })).not.toBe(partitionFor({ id: 'acme' }, 'https://other.test'));
  });
});

it('a path parameter is told apart by its first 1,024 characters', () => {
  const [a, b] = ['a', 'b'].map((end) => paramPartition('team', 'x'.repeat(1_024) + end));
  expect(a).toBe(b);
  expect(paramPartition('team', `${'x'.repeat(1_023)}a`)).not.toBe(a);
});

it('an operator who names the value of a path parameter means the partition that requests with it spend from', () => {
  const match = '/t/:team';
  const limits = '9/minute by :team';
  const config = parseConfig({ JWT_ISSUER: 'https://issuer.test', ROUTES: [{ name: 't', match, limits }] });
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.constantFrom('Straße', 'ＡＣＭＥ', 'a/b', '..'),
  );
  fc.assert(
    fc.property(value, (team) => {
      const found = keyedOf({ config, query: { key: ':team', value: team }, body: {}, now: 0 });
      const spent = paramsOf({ match }, `/t/${encodeURIComponent(team)}`).team ?? '';
      expect(found.partition).toBe(paramPartition('team', spent));
    }),
  );
});

it('no two partitions of different parts have one name', () => {
  const kinds = [
    ([a, b]: string[]) => subjectPartition(a ?? '', b ?? ''),
    ([a, b, c]: string[]) => claimPartition(a ?? '', b ?? '', c ?? ''),
    ([a, b]: string[]) => paramPartition(a ?? '', b ?? ''),
    ([a]: string[]) => addressPartition(a),
  ] as const;
  const part = fc.oneof(fc.constantFrom('', '"', ',', '","', ']', '\\', 'subject', 'claim'), fc.string());
  const any = fc.record({ kind: fc.nat(kinds.length - 1), parts: fc.tuple(part, part, part) });
  const named = ({ kind, parts }: { kind: number; parts: string[] }) => kinds[kind]?.(parts);
  const used = [2, 3, 2, 1];
  fc.assert(
    fc.property(any, any, (a, b) => {
      const isSame =
        a.kind === b.kind &&
        JSON.stringify(a.parts.slice(0, used[a.kind])) === JSON.stringify(b.parts.slice(0, used[b.kind]));
      if (!isSame && !(a.kind === 3 && b.kind === 3)) expect(named(a)).not.toBe(named(b));
    }),
    { numRuns: 2_000 },
  );
});
