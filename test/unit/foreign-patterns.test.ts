// A `match` in any other framework's syntax is told, and what is told to write instead matches what was meant.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patternIssue } from '../../src/routing/pattern.ts';
import { routeOf } from '../../src/routing/route-of.ts';
import { fixOf } from '../../tools/check/fixes.ts';
import { foreignSyntax } from '../../tools/check/patterns.ts';
import { configWith, route } from '../fixtures/config.ts';

/** A segment as a framework has it, and one of a path that it stands for. */
const SEGMENTS: readonly (readonly [written: string, meant: string])[] = [
  ['{id}', '7'],
  ['{id:int}', '7'],
  ['{user_id:[0-9]{2}}', '77'],
  ['{id<\\d+>}', '7'],
  ['<id>', 'x'],
  ['<int:id>', '7'],
  ['<uuid:user-id>', 'x'],
  ['<string(length=2):id>', 'ab'],
  ['[id]', 'x'],
  ['[id=integer]', '7'],
  ['$id', 'x'],
  ['$id<[0-9]+>', '7'],
  ['[0-9]+', '7'],
  ['[^/]+', 'x'],
  ['([a-z0-9-]+)', 'a-1'],
  ['\\d+', '7'],
  ['(\\d{4})', '2026'],
  ['(?P<id>[0-9]+)', '7'],
  ['(?<id>\\w+)', 'x'],
  [':id{[0-9]+}', '7'],
  [':id(^\\d+$)', '7'],
  ['{users,posts}', 'posts'],
  ['(users|posts)', 'users'],
  ['(?:users|posts)', 'users'],
  ['{{id}}', 'x'],
  ['\u0024{id}', 'x'],
  ['{ id }', 'x'],
  ['{int:id}', '7'],
  ['{uuid:id}', 'x'],
  [':id<int>', '7'],
  [':id<\\d+>', '7'],
  [':id(int)', '7'],
  [':id(uuid)', 'x'],
  ['(:id)', 'x'],
  ['(:num)', '7'],
  ['<:id>', 'x'],
  ['[:id]', 'x'],
  ['[i:id]', '7'],
  ['{:id}', 'x'],
  ['%s', 'x'],
  ['%d', '7'],
];

/** A last segment that stands for any number of them. */
const TAILS = [
  '{path:path}',
  '<path:path>',
  '{path...}',
  '{*path}',
  '{**path}',
  '{path=**}',
  '{path:.*}',
  '[...path]',
  '[[...path]]',
  '<path..>',
  '*path',
  '**',
  '.*',
  '(.*)',
  '$',
  '{proxy+}',
  '{path*}',
  ':path(.*)*',
  ':path(.*)+',
  ':path(*)',
  ':path...',
  '[*:path]',
  '{path:.+}',
];

const text = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/).map((word) => [word, word] as const);
const segments = fc.array(fc.oneof(text, fc.constantFrom(...SEGMENTS)), { minLength: 0, maxLength: 4 });
const joined = (parts: readonly (readonly [string, string])[], side: 0 | 1): string =>
  parts.map((part) => `/${part[side]}`).join('');

/** Whether a request for the path meets the route of this `match`. */
const leadsTo = (match: string, path: string): boolean => {
  const config = configWith({}, { routes: [{ ...route, name: 'meant', match }] });
  return routeOf(config)(new Request(`https://api.example.com${path}`))?.name === 'meant';
};

const expectMeant = (written: string, path: string): void => {
  const { instead = '' } = foreignSyntax(written) ?? {};
  expect(instead, written).not.toBe('');
  expect(patternIssue(instead), `${written} -> ${instead}`).toBeUndefined();
  expect(foreignSyntax(instead), `${written} -> ${instead}`).toBeUndefined();
  expect(leadsTo(instead, path), `${written} -> ${instead}`).toBe(true);
};

/** Pieces of patterns of every framework, and of none. */
const piece = fc.constantFrom(
  ...'/:{}()[]<>*?+$^|\\.~=%;# aid0_-,',
  ...[
    '%0a',
    '%2F',
    '%00',
    '/users',
    '\\d+',
    '[0-9]+',
    ':id',
    '{id}',
    '(?P<',
    '**',
    '(.:format)',
    '/*',
    'GET ',
  ],
);

describe('a match that is refused', () => {
  it('is answered by one that is not', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 10 }), (pieces) => {
        const match = pieces.join('');
        if (patternIssue(match) === undefined) return;
        const variable = 'ROUTES[0].match';
        const fix = fixOf({ variable, problem: 'expected a path', vars: { ROUTES: [{ match }] } });
        const [, instead = ''] = /match = "(.*?)"`/.exec(fix) ?? [];
        expect(patternIssue(instead), `${match} -> ${fix}`).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a match in another framework’s syntax', () => {
  it('is told, whatever stands beside it, and the one to write instead matches what was meant', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom(...SEGMENTS), segments, (before, foreign, after) => {
        const all = [...before, foreign, ...after];
        expectMeant(joined(all, 0), joined(all, 1));
      }),
      { numRuns: 300 },
    );
  });

  it('is told where it ends with any number of segments', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom(...TAILS), (before, tail) => {
        expectMeant(`${joined(before, 0)}/${tail}`, `${joined(before, 1)}/a/b.c`);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['/users/{id?}', '/users'],
    ['/users/{id?}', '/users/7'],
    ['/users/{id?}/posts', '/users/posts'],
    ['/users/[[lang]]', '/users'],
    ['/[[lang]]/users', '/users'],
    ['/users{/:id}', '/users'],
    ['/users(/:id)', '/users/7'],
    ['(/:locale)/users', '/users'],
    ['/files{/*path}', '/files/a/b'],
    ['/users/:id(.:format)', '/users/7'],
    ['^/users/[0-9]+$', '/users/7'],
    ['^users/(?P<id>[0-9]+)/$', '/users/7/'],
    ['~ ^/users/', '/users/a/b'],
    ['~/users/\\d+$', '/users/7'],
    ['= /login', '/login'],
    ['^~ /static/', '/static/a.css'],
    ['/users/{$}', '/users/'],
  ])('%s is meant for %s', expectMeant);

  it.each([
    '/users/:id',
    '/users/:id?',
    '/items/:id(\\d+)',
    '/items/:id([0-9]+)/parts',
    '/a/:kind(users|posts)',
    '/days/:year(\\d\\d\\d\\d)-:month(\\d\\d)',
    '/v1/:rest*',
    '/users/:id/posts{/:post}?',
    '/~user',
    '/a$b',
    '/x.json',
    '/files/*',
    '/api/*/users',
    '/*',
    '/',
  ])('%s is none', (match) => {
    expect(foreignSyntax(match)).toBeUndefined();
    expect(patternIssue(match)).toBeUndefined();
  });
});
