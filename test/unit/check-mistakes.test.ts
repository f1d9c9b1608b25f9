// `check` on what people get wrong, and on what they get right: the tables of `test/fixtures/configurations`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { examine } from '../../tools/check/examine.ts';
import type { Finding } from '../../tools/check/finding.ts';
import { readTargets } from '../../tools/check/targets.ts';
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

  it('sixty kinds of mistakes at least, each told apart', () => {
    expect(new Set(MISTAKES.map(({ toml }) => toml)).size).toBeGreaterThanOrEqual(60);
  });
});

describe('check has nothing to say of', () => {
  it.each(SOUND)('$what', ({ file }) => {
    expect(findingsOf(file)).toEqual([]);
  });

  it('twenty sound configurations at least', () => {
    expect(SOUND.length).toBeGreaterThanOrEqual(20);
  });
});
