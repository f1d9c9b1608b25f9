// The report's formats: what other programs read must be valid by their public schemas, whatever the API answered.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import AjvDraft04 from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { checks } from '../../../tools/audit/checks/index.ts';
import { gradeOf } from '../../../tools/audit/grade.ts';
import { render } from '../../../tools/audit/report/index.ts';
import type { Outcome, Report, Result } from '../../../tools/audit/types.ts';

const OUTCOMES: readonly Outcome[] = ['passed', 'failed', 'skipped'];

/** A report of every check, with this text as what the API answered. */
const reportOf = (
  seen: string,
  outcomeOf: (i: number) => Outcome,
  url = 'http://127.0.0.1:8787/v1/profile?a=1',
): Report => {
  const results: Result[] = checks.map(({ id, severity, title, owasp, rfc, why, fix }, i) => {
    const verdict = { outcome: outcomeOf(i), sent: 'a request', seen, evidence: [] };
    return { id, severity, title, owasp, rfc, why, fix, ...verdict };
  });
  return {
    tool: 'weir-audit',
    version: 1,
    url,
    started: '2026-01-02T03:04:05.678Z',
    seconds: 1.5,
    requests: 7,
    grade: gradeOf(results, false),
    results,
    stopped: undefined,
  };
};

const mixed = (i: number): Outcome => OUTCOMES[i % 3] ?? 'passed';
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    ']]>',
    '<script>',
    '&amp;&',
    '\u0000\u001b[31m',
    '\ud800',
    '"\'`|\\',
    '\n\n| a |',
    '\ufffe',
  ),
);

describe('SARIF', () => {
  const path = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/package.json');
  const schema = JSON.parse(readFileSync(join(path, '../lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'));
  const ajv = new AjvDraft04({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  const isValid = ajv.compile(schema);

  it('is valid by the public schema, whatever the API answered', () => {
    fc.assert(
      fc.property(hostile, fc.func(fc.constantFrom(...OUTCOMES)), (seen, outcomeOf) => {
        expect(
          isValid(JSON.parse(render(reportOf(seen, outcomeOf), 'sarif'))),
          JSON.stringify(isValid.errors),
        ).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('would be found invalid: the schema is not blind', () => {
    const log = JSON.parse(render(reportOf('x', mixed), 'sarif'));
    log.runs[0].results[0].kind = 'perhaps';
    expect(isValid(log)).toBe(false);
  });

  it('names a relative place, since code scanning takes no other', () => {
    const log = JSON.parse(render(reportOf('x', mixed, 'http://[::1]:8787/v1/'), 'sarif'));
    const { uri } = log.runs[0].results[0].locations[0].physicalLocation.artifactLocation;
    expect(uri).toBe('___1__8787/v1');
  });

  it('keeps a finding’s fingerprint from run to run', () => {
    const prints = (seen: string) =>
      JSON.parse(render(reportOf(seen, mixed), 'sarif')).runs[0].results.map(
        (result: { partialFingerprints: object }) => result.partialFingerprints,
      );
    expect(prints('5.1 ms')).toEqual(prints('5.2 ms'));
    expect(new Set(prints('x').map((print: object) => JSON.stringify(print))).size).toBe(checks.length);
  });
});

describe('JUnit', () => {
  let schema: string;
  beforeAll(() => {
    schema = readFileSync(join(import.meta.dirname, '../../fixtures/schemas/junit.xsd'), 'utf8');
  });

  const validate = (contents: string) => validateXML({ xml: { fileName: 'report.xml', contents }, schema });

  it('is valid by the schema that Jenkins uses, whatever the API answered', async () => {
    const samples = ['plain', ...fc.sample(hostile, 12)];
    for (const seen of samples) {
      const { valid, errors } = await validate(render(reportOf(seen, mixed), 'junit'));
      expect(valid, errors.map(({ message }) => message).join('\n')).toBe(true);
    }
  });

  it('would be found invalid: the schema is not blind', async () => {
    const { valid } = await validate(render(reportOf('x', mixed), 'junit').replace('<testcase', '<test'));
    expect(valid).toBe(false);
  });

  it('counts what failed and what was skipped', () => {
    const xml = render(
      reportOf('x', (i) => (i === 0 ? 'failed' : 'skipped')),
      'junit',
    );
    expect(xml).toContain('<testsuite name="tokens" tests="17" failures="1" errors="0" skipped="16"');
  });
});

describe('Markdown', () => {
  it('keeps its table whole, and lets no markup of the API through', () => {
    fc.assert(
      fc.property(hostile, (seen) => {
        const rows = render(reportOf(`${seen}<img src=x>|[a](b)`, mixed), 'markdown')
          .split('\n')
          .filter((line) => line.startsWith('| `'));
        expect(rows).toHaveLength(checks.length);
        for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5);
        for (const row of rows) expect(row).not.toMatch(/(?<!\\)[<[]/);
      }),
    );
  });
});

describe('the table', () => {
  it('shows each check, and for a failed one what was sent, seen, why it matters and the fix', () => {
    const text = render(reportOf('what was seen', mixed), 'table');
    for (const { id } of checks) expect(text).toContain(id);
    expect(text).toContain('fix: ');
    expect(text).toMatch(/Grade: 100 − .* = \d+.*: F/);
  });
});
