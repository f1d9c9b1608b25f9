// The page of the audit says what the audit does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checks } from '../../../tools/audit/checks/index.ts';
import { checksTable, counted, replaced } from '../../../tools/audit/docs.ts';
import { HELP } from '../../../tools/audit/options.ts';
import { faults } from '../../fixtures/weak/faults.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8');

describe('docs/audit.md', () => {
  it('lists every check as it is; else run `npm run audit:docs -- --checks`', () => {
    expect(page).toContain(checksTable());
  });

  it('shows Weir beside every weak sample', () => {
    expect(page).toMatch(/\| \*\*Weir’s demo\*\* \| nothing \| A \| {2}\| 0 \|/);
    for (const { name, fails } of faults)
      expect(page).toMatch(
        new RegExp(`\\| ${name} \\|.*\\| ${[...fails].map((id) => `(?=.*\`${id}\`)`).join('')}`),
      );
  });

  it('and README.md count the checks and samples as they are; else run `npm run audit:docs -- --checks`', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
    expect(readme).toContain(`<!-- checks -->${checks.length}<!-- /checks -->`);
    expect(counted(readme)).toBe(readme);
  });

  it('is rewritten between its marks only', () => {
    const text = 'a\n<!-- x: npm run audit:docs -->\nold\n<!-- end of x -->\nb\n';
    expect(replaced(text, 'x', 'new')).toBe(text.replace('old', 'new'));
    expect(() => replaced(text, 'y', 'new')).toThrow('"y"');
  });
});

describe('the checks', () => {
  it('have ids of their own, each with its family, and say why and how to fix it', () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
    for (const { id, why, fix, owasp, rfc } of checks) {
      expect(id).toMatch(/^(tokens|leaks|limits|manners)\.[a-z0-9-]+$/);
      expect(owasp).toMatch(/^API\d+:2023(, API\d+:2023)*$/);
      for (const text of [why, fix, rfc]) expect(text.length).toBeGreaterThan(5);
    }
  });

  it('are reached by the options that the help names', () => {
    for (const option of [
      '--only',
      '--second-token',
      '--other-token',
      '--signing-key',
      '--baseline',
      '--i-am-authorised',
    ])
      expect(HELP).toContain(option);
  });
});
