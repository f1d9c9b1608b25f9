// The nightly workflow of docs/audit.md: its steps run as GitHub's runner runs them, with a `gh` that writes down what it is told.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../tools/audit/types.ts';
import { startSample } from '../fixtures/weak/audited.ts';
import { faults } from '../fixtures/weak/faults.ts';
import { tokenOf } from '../fixtures/weak/issuer.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/audit.md'), 'utf8');
const workflow = /<!-- workflow: .*-->\n```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
const action = readFileSync(join(root, 'tools/audit/action.yml'), 'utf8');

/** The script of the step that has this line, as the runner writes it into a file. */
const scriptAfter = (yaml: string, line: string, indent: number): string => {
  const rest = yaml.slice(yaml.indexOf(line));
  const script = new RegExp(`run: \\|\\n((?: {${indent}}.*\\n)+)`).exec(rest)?.[1] ?? '';
  return script.replace(new RegExp(`^ {${indent}}`, 'gm'), '');
};

interface Step {
  readonly code: number;
  readonly outputs: Readonly<Record<string, string>>;
}

/** A runner: a folder for what steps leave, `gh` on the path, outputs in a file. */
const runner = (openIssue: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'runner-'));
  const log = join(folder, 'gh.log');
  const gh = [
    '#!/bin/bash',
    'printf "%s\\n" "$*" >> "$GH_LOG"',
    'if [ "$2" = list ]; then printf "%s" "$OPEN_ISSUE"; exit; fi',
    'while [ "$1" != --body-file ]; do shift; done; cat "$2" >> "$GH_LOG"',
  ];
  writeFileSync(join(folder, 'gh'), gh.join('\n'));
  chmodSync(join(folder, 'gh'), 0o755);
  writeFileSync(log, '');
  const run = (script: string, env: Record<string, string>): Promise<Step> =>
    new Promise((resolve) => {
      const [file, output] = [join(folder, 'script.sh'), join(folder, 'output')];
      writeFileSync(file, script);
      writeFileSync(output, '');
      const runnerEnv = {
        PATH: `${folder}:${process.env.PATH}`,
        GITHUB_OUTPUT: output,
        RUNNER_TEMP: folder,
        GH_LOG: log,
        OPEN_ISSUE: openIssue,
      };
      const options = { cwd: root, env: { ...process.env, ...runnerEnv, ...env } };
      execFile('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file], options, (error) => {
        const lines = readFileSync(output, 'utf8').trim().split('\n');
        const outputs = Object.fromEntries(lines.map((line) => line.split('=', 2)));
        resolve({ code: error ? Number(error.code) : 0, outputs });
      });
    });
  return { folder, run, said: () => readFileSync(log, 'utf8') };
};

type Runner = ReturnType<typeof runner>;

const auditStep = async ({ run }: Runner, sample: string, baseline: string): Promise<Step> => {
  const served = await startSample(faults.find(({ name }) => name === sample));
  const inputs = {
    AUDIT_TOOL: 'tools/audit/audit.ts',
    AUDIT_URL: served.url,
    AUDIT_TOKEN: await tokenOf('alice'),
    AUDIT_SECOND_TOKEN: '',
    AUDIT_OTHER_TOKEN: '',
    AUDIT_SIGNING_KEY: '',
    INPUT_JWKS: '',
    INPUT_ORIGIN: '',
    // Enough for the tokens; the rest is skipped, here as in the baseline.
    INPUT_MAX_REQUESTS: '24',
    INPUT_RATE: '200',
    INPUT_FAIL_ON: 'low',
    INPUT_BASELINE: baseline,
    INPUT_MIN_GRADE: '',
    INPUT_EXPECT: '',
    INPUT_AUTHORISED: 'false',
  };
  return run(scriptAfter(action, 'id: audit', 8), inputs).finally(served.close);
};

const issueStep = ({ run }: Runner, report: string): Promise<Step> =>
  run(scriptAfter(workflow, 'Open or update the issue', 10), {
    GH_TOKEN: 'x',
    GH_REPO: 'owner/api',
    REPORT: report,
    RUN_URL: 'https://github.example/owner/api/actions/runs/1',
  });

describe('the nightly workflow', () => {
  let baseline: string;
  beforeAll(async () => {
    const { outputs } = await auditStep(runner(''), 'none of them', '');
    baseline = outputs.json ?? '';
  });

  it('says nothing as long as nothing got worse', async () => {
    expect((JSON.parse(readFileSync(baseline, 'utf8')) as Report).tool).toBe('weir-audit');
    expect(await auditStep(runner(''), 'none of them', baseline)).toMatchObject({
      code: 0,
      outputs: { code: '0' },
    });
  });

  it.each([
    ['', 'issue create --title The audit found the API worse than its baseline --body-file'],
    ['7', 'issue comment 7 --body-file'],
  ])(
    'opens an issue with the report when the API got worse, or adds to the one that is open: %j',
    async (open, verb) => {
      const runs = runner(open);
      const { code, outputs } = await auditStep(runs, 'token-in-query', baseline);
      expect([code, outputs.code]).toEqual([1, '1']);
      expect(await issueStep(runs, outputs.markdown ?? '')).toMatchObject({ code: 0 });
      expect(runs.said()).toContain(verb);
      expect(runs.said()).toContain('A token in the query or the body is not accepted: no (medium)');
      expect(runs.said()).toContain('[The run](https://github.example/owner/api/actions/runs/1)');
    },
  );

  it('tells an audit that could not run from one that found something', async () => {
    const runs = runner('');
    const { code, outputs } = await auditStep(runs, 'token-in-query', join(runs.folder, 'no such baseline'));
    expect([code, outputs.code]).toEqual([2, '2']);
  });

  it('asks for the issue step on 1 alone, and puts no expression into a script', () => {
    expect(workflow).toMatch(/if: \$\{\{ steps\.audit\.outputs\.code == '1' \}\}/);
    for (const script of workflow.match(/run: .*(?:\n {10}.*)*/g) ?? []) expect(script).not.toContain('${{');
    for (const name of workflow.match(/steps\.audit\.outputs\.(\w+)/g) ?? [])
      expect(action).toContain(`  ${name.split('.').at(-1)}:\n    description`);
  });
});
