// docs/architecture.md leads to files that there are.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { headOf, mapped } from '../../tools/map.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

it('the tree names every file of src and tools; if not, run `npm run map`', () => {
  expect(page).toBe(mapped(page));
});

it('every file that is named by its path is there', () => {
  const named = [...page.matchAll(/`((?:src|tools|test|bench|docs)\/[\w/.-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  );
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(named.length).toBeGreaterThan(20);
});

it('every file begins with what it is', () => {
  expect(headOf('// What it is: this.\n// More.\n')).toBe('What it is: this');
  const bare = page.match(/^ {2,}[\w.-]+\.tsx?\s*$/gm) ?? [];
  expect(bare).toEqual([]);
});
