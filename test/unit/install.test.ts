// What an install brings along, with npm and with pnpm.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('an install', () => {
  it('runs the same install scripts with pnpm as with npm, the one that brings Node among them', () => {
    const { allowScripts } = JSON.parse(text('package.json')) as { allowScripts: Record<string, boolean> };
    const names = Object.keys(allowScripts).toSorted();
    expect(names).toContain('node');
    const pnpm = text('pnpm-workspace.yaml');
    expect(pnpm).toContain(`\nonlyBuiltDependencies: [${names.join(', ')}]\n`);
    expect(pnpm).toContain(`\nallowBuilds: { ${names.map((name) => `${name}: true`).join(', ')} }\n`);
  });

  it('that brought no Node along ends in two lines, and no stack trace', () => {
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' });`;
    const script = join(root, 'tools/node-version.js');
    const run = () =>
      execFileSync(
        process.execPath,
        ['--import', `data:text/javascript,${old}`, '--import', script, '-e', '0'],
        {
          encoding: 'utf8',
          stdio: 'pipe',
        },
      );
    expect(run).toThrow(
      expect.objectContaining({
        status: 2,
        stderr: expect.stringMatching(
          /^Weir's tools need Node 24, and this is .*\n.* without --ignore-scripts\. .*\n$/,
        ),
      }),
    );
  });
});
