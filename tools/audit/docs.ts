// `npm run audit:docs`: writes the tables of docs/audit.md anew, from the checks and from audits of the demo and the samples.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { auditSample, failedIds } from '../../test/fixtures/weak/audited.ts';
import { faults } from '../../test/fixtures/weak/faults.ts';
import { run } from '../cli.ts';
import { checks } from './checks/index.ts';
import { auditDemo } from './docs/demo.ts';
import type { Report } from './types.ts';

const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/audit.md');
const readme = join(root, 'README.md');
const RATE = 50;
const MAX_REQUESTS = 900;
/** Audits under way together; more would blur each other's times. */
const TOGETHER = 3;

const HELP = `Writes the tables of docs/audit.md and the counts in README.md anew.

  npm run audit:docs              with audits of Weir's demo and of every sample, some minutes
  npm run audit:docs -- --checks  only what the checks themselves say
`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { checks: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) process.stdout.write(HELP);
  else {
    rewrite(page, { checks: checksTable(), ...(values.checks ? {} : await audits()) });
    writeFileSync(readme, counted(readFileSync(readme, 'utf8')));
  }
  return 0;
};

const audits = async (): Promise<Record<string, string>> => {
  const weir = await auditDemo();
  return { weir: weirTable(weir), samples: samplesTable(weir, await auditSamples()) };
};

const rewrite = (path: string, tables: Readonly<Record<string, string>>): void => {
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    Object.entries(tables).reduce((all, [name, table]) => replaced(all, name, table), text),
  );
};

const COUNTS: Readonly<Record<string, number>> = { checks: checks.length, samples: faults.length };

/** The text with the numbers between `<!-- checks -->` and `<!-- /checks -->`, and the like, as they are. */
export const counted = (text: string): string =>
  Object.entries(COUNTS).reduce(
    (all, [name, count]) =>
      all.replace(new RegExp(`(<!-- ${name} -->)\\d*(<!-- /${name} -->)`, 'g'), `$1${count}$2`),
    text,
  );

/** The page with this part written anew. */
export const replaced = (text: string, name: string, table: string): string => {
  const [begin, end] = [`<!-- ${name}: npm run audit:docs -->`, `<!-- end of ${name} -->`];
  const parts = [text.indexOf(begin), text.indexOf(end)] as const;
  if (parts[0] === -1 || parts[1] === -1)
    throw new Error(`docs/audit.md: the marks of "${name}" are missing`);
  return `${text.slice(0, parts[0] + begin.length)}\n${table}\n${text.slice(parts[1])}`;
};

export const checksTable = (): string =>
  rows(
    ['check', 'severity', 'a sound API', 'needs', 'see'],
    checks.map(({ id, severity, title, needs, owasp, rfc }) => [
      `\`${id}\``,
      severity,
      title,
      needs
        .map((need) => NEEDS[need] ?? '')
        .filter(Boolean)
        .join(', '),
      `${owasp}; ${rfc}`,
    ]),
  );

const NEEDS: Readonly<Record<string, string>> = {
  'second-token': 'a second token',
  'other-token': 'another subject’s token',
  'public-key': 'the public keys',
  'signing-key': 'the signing key',
  loopback: 'an API on this machine',
};

const weirTable = (report: Report): string =>
  [
    `Grade ${report.grade.letter}: ${report.grade.arithmetic}. ${report.requests} requests in ${report.seconds} s.`,
    '',
    rows(
      ['check', '', 'seen'],
      report.results.map(({ id, outcome, seen }) => [`\`${id}\``, outcome, seen]),
    ),
  ].join('\n');

type Sample = readonly [name: string, mistake: string, report: Report];

const samplesTable = (weir: Report, samples: readonly Sample[]): string =>
  rows(
    ['API', 'what it does wrong', 'grade', 'failed checks', 'skipped'],
    ([['**Weir’s demo**', 'nothing', weir], ...samples] as const).map(([name, mistake, report]) => [
      name,
      mistake,
      report.grade.letter ?? '',
      failedIds(report)
        .map((id) => `\`${id}\``)
        .join(' '),
      String(report.results.filter(({ outcome }) => outcome === 'skipped').length),
    ]),
  );

const auditSamples = async (): Promise<Sample[]> => {
  const waiting = [undefined, ...faults];
  const done: Sample[] = [];
  const work = async () => {
    while (waiting.length > 0) {
      const fault = waiting.shift();
      const report = await auditSample(fault, { rate: RATE, maxRequests: MAX_REQUESTS });
      done.push([fault?.name ?? 'sound', fault?.mistake ?? 'nothing', report]);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  const order = ['sound', ...faults.map(({ name }) => name)];
  return done.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
};

const rows = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|');

if (import.meta.main) await run(main);
