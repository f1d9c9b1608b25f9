// `npm run mutants`: takes out one guard after the other, in a copy, and sees whether the tests notice.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { paint, run, table, UsageError } from '../tools/cli.ts';
import { mutants } from './mutants/list.ts';
import type { Mutant } from './mutants/mutant.ts';

const HELP = `Usage: npm run mutants -- [--only <words>] [--e2e] [--by <file> | --explorer]

Breaks each guard that keeps limits exact, in a temporary copy of the project, and runs the tests that must
then fail. Exit code 1 if a mutant survives, or does not apply any more.

  --only <words>  guards whose description or file holds these words
  --e2e           also those that only end-to-end tests notice: a minute each
  --by <file>     run this test alone
  --explorer      run the explorer of states alone, for the guards that it must find missing
  --help          this text
`;

const root = join(import.meta.dirname, '..');

/** What the tests need of the project. */
const COPIED = [
  ...['bench', 'console', 'src', 'test', 'tools'],
  ...['vitest.config.ts', 'package.json', 'tsconfig.json', 'wrangler.toml'],
];

const EXPLORER = 'test/unit/explorer/explorer.test.ts';

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      e2e: { type: 'boolean', default: false },
      by: { type: 'string' },
      explorer: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const by = values.explorer ? EXPLORER : values.by;
  const chosen = mutants
    .filter(({ guard, file }) => `${guard} ${file}`.includes(values.only))
    .filter(({ tests }) => values.e2e || !tests.some((test) => /\/(e2e|foreign)\//.test(test)))
    .filter(({ explored = false }) => explored || !values.explorer)
    .map((mutant) => (by === undefined ? mutant : { ...mutant, tests: [by] }));
  if (chosen.length === 0) throw new UsageError(`no guard is called that: --only ${values.only}`);
  const outcomes = await tryAll(chosen);
  process.stdout.write(`${table(['', 'guard', 'file'], outcomes.map(row))}\n`);
  return outcomes.every(({ outcome }) => outcome === 'noticed') ? 0 : 1;
};

interface Tried {
  readonly mutant: Mutant;
  readonly outcome: 'noticed' | 'survived' | 'does not apply';
}

const row = ({ mutant, outcome }: Tried): string[] => [
  paint(outcome === 'noticed' ? 'green' : 'red', outcome),
  mutant.guard,
  mutant.file,
];

const inCopy = async <T>(use: (copy: string) => Promise<T>): Promise<T> => {
  const copy = await mkdtemp(join(tmpdir(), 'weir-mutants-'));
  try {
    for (const name of COPIED) await cp(join(root, name), join(copy, name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    return await use(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
};

/** Copies in which mutants are tried side by side. */
const COPIES = 2;

const tryAll = async (chosen: readonly Mutant[]): Promise<Tried[]> => {
  await inCopy((copy) => checkPassing(copy, chosen));
  const left = chosen.values();
  const tried = new Map<Mutant, Tried>();
  const tryRest = async (copy: string): Promise<void> => {
    for (const mutant of left) {
      const outcome = await tryOne(copy, mutant);
      process.stderr.write(`${mutant.guard}: ${outcome}\n`);
      tried.set(mutant, { mutant, outcome });
    }
  };
  await Promise.all(Array.from({ length: COPIES }, () => inCopy(tryRest)));
  return chosen.flatMap((mutant) => tried.get(mutant) ?? []);
};

/** A test that was red already proves nothing. */
const checkPassing = async (copy: string, chosen: readonly Mutant[]): Promise<void> => {
  const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))];
  if (!(await passes(copy, tests))) throw new Error('the tests fail without any mutant');
};

const tryOne = async (copy: string, { file, from, to, tests }: Mutant): Promise<Tried['outcome']> => {
  const path = join(copy, file);
  const source = await readFile(path, 'utf8');
  if (source.split(from).length !== 2) return 'does not apply';
  await writeFile(
    path,
    source.replace(from, () => to),
  );
  try {
    return (await passes(copy, tests)) ? 'survived' : 'noticed';
  } finally {
    await writeFile(path, source);
  }
};

const passes = (copy: string, tests: readonly string[]): Promise<boolean> => {
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const projects = ['unit', 'worker', 'e2e', 'foreign'].filter((name) =>
    tests.some((test) => test.includes(`/${name}/`)),
  );
  const args = [vitest, 'run', ...projects.map((name) => `--project=${name}`), '--bail=1', ...tests];
  execFile(process.execPath, args, { cwd: copy, maxBuffer: 2 ** 26 }, (error) => resolve(error === null));
  return promise;
};

await run(main);
