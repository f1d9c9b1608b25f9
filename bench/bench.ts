// `npm run bench`: Weir against a plain proxy and against what people write today, in one run on this machine.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker } from '../tools/build.ts';
import { run, UsageError } from '../tools/cli.ts';
import { chart } from './chart.ts';
import { type Contender, contenders, visited } from './contenders.ts';
import { inPage, markdown, resultTable, targetTable, visitTable } from './format.ts';
import { machine } from './machine.ts';
import { isMissed, rowsOf, targetsOf } from './results.ts';
import { type Measured, type RunOptions, runRounds } from './rounds.ts';
import { withTokens } from './tokens.ts';
import { type Visited, visit } from './visits.ts';

const HELP = `Usage: npm run bench -- [options]

Measures Weir and its contenders on workerd under real HTTP load, round after round in turn:
requests per second, latency, CPU time per request, Limiter calls, rows written, dollars.

  --quick          one start, 3 rounds of 1 second, without (c): about a minute, for a first look
  --starts <n>     how often all are started anew (default 4)
  --rounds <n>     rounds after each start (default 2)
  --seconds <n>    seconds of load on each contender in each round (default 4)
  --only <ids>     only these, e.g. a,a',b; ratios need (a) and (a')
  --json           the results as JSON on standard output
  --write          also write docs/bench.json and docs/bench.svg, and the table into README.md and docs/bench.md
  --help           this text

Linux only (CPU time is read from /proc). Uses wrk where it is on the PATH, else autocannon.
Exit code 1 if a target is missed; a busy machine blurs ratios, so leave it alone meanwhile.
`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  starts: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const root = join(import.meta.dirname, '..');

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const starts = count('--starts', values.starts ?? (values.quick ? '1' : '4'));
  const rounds = count('--rounds', values.rounds ?? (values.quick ? '3' : '2'));
  const seconds = count('--seconds', values.seconds ?? (values.quick ? '1' : '4'));
  const [warmSeconds, countSeconds] = values.quick ? [1, 2] : [6, 20];
  const pace = { starts, rounds, seconds, warmSeconds, countSeconds };
  const { measured, visits } = await measure(chosen(values.only, values.quick), pace);
  const rows = rowsOf(measured);
  const targets = targetsOf(rows, visits);
  const result = {
    at: new Date().toISOString(),
    machine: machine(),
    starts,
    rounds,
    seconds,
    rows,
    visits,
    targets,
  };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  await save('bench/results', `${result.at.replaceAll(':', '-')}.json`, json);
  if (values.write) {
    await save('docs', 'bench.json', json);
    await save('docs', 'bench.svg', chart(rows, 'CPU time per request'));
    for (const page of ['README.md', 'docs/bench.md'])
      await tell(page, markdown(rows, visits, result.machine));
  }
  process.stdout.write(
    values.json ? json : `\n${[resultTable(rows), visitTable(visits), targetTable(targets)].join('\n\n')}\n`,
  );
  return targets.some(isMissed) ? 1 : 0;
};

const count = (name: string, text: string): number => {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new UsageError(`${name}: expected a whole number, got ${text}`);
  return Number(text);
};

/** Thousands of objects take a minute to set up. */
const SLOW = new Set(['c', ...visited.map(({ id }) => id)]);

const chosen = (only: string | undefined, quick: boolean): readonly Contender[] => {
  if (only === undefined) return [...contenders, ...visited].filter(({ id }) => !quick || !SLOW.has(id));
  const ids = only.split(',');
  const known = [...contenders, ...visited];
  const unknown = ids.find((id) => !known.some((contender) => contender.id === id));
  if (unknown !== undefined) throw new UsageError(`--only: no contender is called ${unknown}`);
  return known.filter(({ id }) => ids.includes(id));
};

type Pace = Pick<RunOptions, 'starts' | 'rounds' | 'seconds' | 'warmSeconds' | 'countSeconds'>;

interface Results {
  readonly measured: Measured[];
  readonly visits: Visited[];
}

const measure = async (chosen: readonly Contender[], pace: Pace): Promise<Results> => {
  await buildWorker();
  const origin = fork(join(import.meta.dirname, 'origin.ts'));
  try {
    const [port] = await once(origin, 'message');
    const originUrl = `http://127.0.0.1:${port}`;
    return await withTokens(chosen, async (tokensOf) => {
      const hot = chosen.filter((contender) => !visited.includes(contender));
      const measured = await runRounds({ ...pace, contenders: hot, originUrl, tokensOf, progress });
      const visits: Visited[] = [];
      for (const contender of chosen.filter((each) => visited.includes(each))) {
        progress(`(${contender.id}) visits`);
        visits.push(await visit(contender, originUrl, tokensOf(contender)));
      }
      return { measured, visits };
    });
  } finally {
    origin.disconnect();
  }
};

/** On standard error, so that `--json` can be piped. */
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

const save = async (folder: string, name: string, text: string): Promise<void> => {
  await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, folder, name), text);
};

/** Puts the table into a page that has a place for it. */
const tell = async (page: string, text: string): Promise<void> => {
  const path = join(root, page);
  await writeFile(path, inPage(await readFile(path, 'utf8'), text));
};

await run(main);
