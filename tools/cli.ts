// What the command line tools share: colours on a terminal only, aligned tables, exit codes without stack traces.
import { stripVTControlCharacters, styleText } from 'node:util';

/** Wrong use of a tool: said in one line, exit code 2. */
export class UsageError extends Error {}

/** Colours where the output is a terminal that wants them (`NO_COLOR`, `FORCE_COLOR`). */
export const paint = (colour: Parameters<typeof styleText>[0], text: string): string =>
  styleText(colour, text, { stream: process.stdout });

/** Rows as aligned columns, two spaces apart, under a dim head. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => stripVTControlCharacters(row[column] ?? '').length)),
  );
  return [head.map((title) => paint('dim', title)), ...rows].map((row) => line(row, widths)).join('\n');
};

const line = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - stripVTControlCharacters(cell).length))
    .join('  ')
    .trimEnd();

/** Runs a tool: its exit code is what `main` returns, 2 for wrong use (`parseArgs` included), 1 for anything else. */
export const run = async (main: () => number | Promise<number>): Promise<void> => {
  try {
    process.exitCode = await main();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const misused = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    process.stderr.write(`${message}\n`);
    process.exitCode = misused ? 2 : 1;
  }
};
