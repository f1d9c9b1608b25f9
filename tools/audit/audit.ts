// The command: `npm run audit -- --help`.
import { writeFileSync } from 'node:fs';
import { paint, UsageError } from '../cli.ts';
import { exitCode, gradeFault } from './baseline.ts';
import { CannotRun, runAudit } from './engine.ts';
import { resolveTarget, type Target } from './http/target.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { progressBar } from './progress.ts';
import { render } from './report/index.ts';
import type { Paint } from './report/table.ts';
import { plan, refusal } from './safety.ts';
import { Stopped } from './stop.ts';
import type { Report } from './types.ts';

const CANNOT_RUN = 2;

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const target = await resolved(options.url);
  const no = refusal(target, options.authorised);
  if (no !== undefined) throw new UsageError(no);
  process.stderr.write(plan(target, options.credentials, options.limits, options.only));
  return audit(options, target);
};

const resolved = (url: string): Promise<Target> =>
  resolveTarget(url).catch((error: Error) => {
    throw new UsageError(`--url: ${error.message}`);
  });

const audit = async (options: Options, target: Target): Promise<number> => {
  const controller = new AbortController();
  const stop = () => controller.abort(new Stopped('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const report = await runAudit({
    ...options,
    target,
    signal: controller.signal,
    progress: progressBar(process.stderr),
  });
  write(options, report);
  const fault = gradeFault(report, options);
  if (fault !== undefined) process.stderr.write(`audit: ${fault}\n`);
  return exitCode(report, options);
};

const write = ({ output, format, also }: Options, report: Report): void => {
  for (const [other, file] of also) writeFileSync(file, render(report, other));
  if (output !== undefined) writeFileSync(output, render(report, format));
  else process.stdout.write(render(report, format, process.stdout.isTTY ? colours : undefined));
};

const COLOUR = { passed: 'green', failed: 'red', skipped: 'yellow' } as const;
const colours: Paint = (outcome, text) => paint(COLOUR[outcome], text);

/** Whatever keeps the audit from running ends in 2: 1 is for what it found. */
try {
  process.exitCode = await main();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof CannotRun;
  process.stderr.write(`audit: ${expected ? error.message : (error as Error).stack}\n`);
  process.exitCode = CANNOT_RUN;
}
