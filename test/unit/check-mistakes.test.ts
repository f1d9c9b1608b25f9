// `check` on what people get wrong, and on what they get right: the tables of `test/fixtures/configurations`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { examine } from '../../tools/check/examine.ts';
import type { Finding } from '../../tools/check/finding.ts';
import { readTargets } from '../../tools/check/targets.ts';
import { HEAD } from '../fixtures/configurations/base.ts';
import { MISTAKES } from '../fixtures/configurations/mistakes.ts';
import { SOUND } from '../fixtures/configurations/sound.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-mistakes-'));
afterAll(() => rmSync(directory, { recursive: true }));

const findingsOf = (content: string): readonly Finding[] => {
  const path = join(directory, content.startsWith('{') ? 'wrangler.jsonc' : 'wrangler.toml');
  writeFileSync(path, content);
  return readTargets(path).flatMap((target) => examine(target).findings);
};

describe('check finds', () => {
  it.each(MISTAKES)('$what: $code', ({ toml, code, fix }) => {
    const found = findingsOf(toml);
    expect(found.map((finding) => finding.code)).toContain(code);
    expect(
      found
        .filter((finding) => finding.code === code)
        .map((finding) => finding.fix)
        .join('\n'),
    ).toContain(fix);
  });

  it('two hundred and fifty kinds of mistakes at least, each told apart', () => {
    expect(new Set(MISTAKES.map(({ toml }) => toml)).size).toBeGreaterThanOrEqual(250);
  });
});

/** Every block of vars of the pages that are there to be copied from, by its page. */
const documented = ['cookbook', 'providers'].flatMap((page) => {
  const text = readFileSync(join(import.meta.dirname, `../../docs/${page}.md`), 'utf8');
  return [...text.matchAll(/^```toml[^\n]*\n(.*?)^```/gms)].map(([, vars = '']) => [page, vars] as const);
});

/** Names as people give them. */
const named = fc.stringMatching(/^[a-z][a-z0-9-]{2,11}$/).filter((name) => name !== 'default');
/** What is no unit, however it is spelt. */
const noUnit = fc.constantFrom('fortnight', 'decade', 'moment', 'lightyear', 'blink');

const checked = (vars: Record<string, unknown>): string =>
  findingsOf(JSON.stringify({ name: 'api', main: 'src/worker.ts', vars: { ...ISSUER, ...vars } }))
    .filter(({ code }) => code === 'config-error')
    .map(({ message, fix }) => `${message}\n${fix}`)
    .join('\n');

const ISSUER = { JWT_ISSUER: 'https://login.example.com/', JWT_AUDIENCE: 'api' };
const UNITS = ['second', 'minute', 'hour', 'day', 'month', 'year'];

describe('check names', () => {
  it('the units, wherever limits have none of them, and the tier or route they are of', () => {
    fc.assert(
      fc.property(named, named, noUnit, (route, tier, unit) => {
        const limits = `10/${unit}`;
        const entry = { name: route, match: '/a' };
        for (const [vars, ...names] of [
          [{ LIMITS: limits }, 'LIMITS'],
          [{ TIERS: { [tier]: limits } }, tier],
          [{ TIERS: JSON.stringify({ [tier]: limits }) }, tier],
          [{ ROUTES: [{ ...entry, limits }] }, route],
          [{ ROUTES: [{ ...entry, limits: { [tier]: limits, default: '1/day' } }] }, route, tier],
        ] as const)
          for (const name of [...UNITS, ...names, limits]) expect(checked(vars)).toContain(name);
      }),
      { numRuns: 8 },
    );
  });

  it('the tier and the quota that a route costs too much for', () => {
    fc.assert(
      fc.property(named, named, fc.integer({ min: 1, max: 50 }), (route, tier, quota) => {
        const entry = { name: route, match: '/a', cost: quota + 1 };
        const limits = `${quota}/hour`;
        for (const vars of [
          { TIERS: { [tier]: limits }, ROUTES: [entry] },
          { ROUTES: [{ ...entry, limits: { [tier]: limits, default: '1000/hour' } }] },
        ])
          for (const name of [`route \`${route}\``, `tier \`${tier}\``, `cost = ${quota}\``])
            expect(checked(vars)).toContain(name);
      }),
      { numRuns: 8 },
    );
  });
});

describe('check has nothing to say of', () => {
  it.each(SOUND)('$what', ({ file }) => {
    expect(findingsOf(file)).toEqual([]);
  });

  it.each(documented)('what the docs say to write: %s', (_page, vars) => {
    const trust = /ISSUER/.test(vars)
      ? ''
      : 'JWT_ISSUER = "https://login.example.com/"\nJWT_AUDIENCE = "api"\n';
    expect(findingsOf(`${HEAD}${vars.replace('[vars]\n', `[vars]\n${trust}`)}`)).toEqual([]);
  });

  it('thirty sound configurations at least', () => {
    expect(SOUND.length).toBeGreaterThanOrEqual(30);
  });
});

/** Keys of a configuration file, so that values of any kind stand where others belong. */
const key = fc.constantFrom(
  ...[
    'vars',
    'env',
    'routes',
    'route',
    'pattern',
    'zone_name',
    'secrets',
    'required',
    'durable_objects',
    'bindings',
  ],
  ...[
    'name',
    'class_name',
    'exports',
    'Limiter',
    'migrations',
    'new_sqlite_classes',
    'renamed_classes',
    'ratelimits',
  ],
  ...[
    'simple',
    'limit',
    'period',
    'services',
    'binding',
    'service',
    'cache',
    'assets',
    'main',
    'compatibility_flags',
  ],
  ...[
    'ROUTES',
    'TIERS',
    'LIMITS',
    'ISSUERS',
    'JWT_ISSUER',
    'JWKS_URL',
    'match',
    'methods',
    'limits',
    'staging',
  ],
);
const word = fc.constantFrom(
  ...[
    '',
    'LIMITER',
    'Limiter',
    'api.example.com/*',
    '/users/[0-9]+',
    '/a/{',
    '(',
    ':x(',
    '*',
    'https://',
    '10/minute',
  ],
  ...[
    'https://login.example.com/',
    '{{',
    '[[',
    '<',
    '$',
    '^',
    '/:id(',
    'GET /x',
    '\u0000',
    '%',
    '//',
    'src/worker.ts',
  ],
);
const { file } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    word,
    fc.constantFrom(null, true, 0, -1, 1e9),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('file'),
  ),
  file: fc.dictionary(key, tie('value'), { maxKeys: 6 }),
}));

describe('check answers', () => {
  it.each([
    ['[vars]\nJWT_SECRET = "hunter2"\nLIMITS = "9/minute\n', 'line 3, column 19: '],
    [
      '{\n  "vars": { "JWT_SECRET": "hunter2" "LIMITS": "9/minute" }\n}',
      'line 2, column 37: expected a comma',
    ],
  ])('a file that cannot be read by the place, and shows none of it', (content, place) => {
    expect(() => findingsOf(content)).toThrow(place);
    expect(() => findingsOf(content)).not.toThrow('hunter2');
  });

  it('whatever the file holds', () => {
    fc.assert(
      fc.property(file, (content) => {
        for (const { message, fix } of findingsOf(JSON.stringify(content))) {
          expect(message).not.toBe('');
          expect(fix).not.toBe('');
        }
      }),
      { numRuns: 400 },
    );
  });
});
