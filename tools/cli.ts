// What the command line tools share: options and help, colours on a terminal only, aligned tables, exit codes.
import { text as readAll } from 'node:stream/consumers';
import { parseArgs, stripVTControlCharacters, styleText } from 'node:util';

/** Wrong use of a tool: reported in one line, exit code 2. */
export class UsageError extends Error {}

/** One option of a command: what help says about it and how its text is read. */
export interface Option<T> {
  /** What help shows after the name, such as `<path>`; undefined: the option takes no value. */
  readonly argument: string | undefined;
  readonly about: string;
  /** The value if the option is not given. */
  readonly fallback: T;
  /** @throws {UsageError} that says what was expected of the option. */
  readonly read: (text: string, name: string) => T;
}

type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of a command's options, by their names. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

export interface CommandOptions<O extends Options> {
  readonly name: string;
  /** What it does, for the head of its help. */
  readonly about: string;
  /** What follows the name in the usage line; default `[options]`. */
  readonly usage?: string;
  readonly options: O;
  /** What help shows below the options. */
  readonly notes?: string;
  /** Most arguments beside the options; default none. */
  readonly positionals?: number;
  /** @returns the exit code. @throws {UsageError} for wrong use. */
  readonly run: (values: Values<O>, positionals: readonly string[]) => number | Promise<number>;
}

/**
 * Runs a command with this process's arguments: prints its help, or reads the options and runs it. Sets the exit code:
 * what `run` returns, 2 for wrong use, 1 for any other error. Errors are one line without a stack trace.
 *
 * @example
 * await command({
 *   name: 'greet',
 *   about: 'Greets somebody.',
 *   options: { name: text('<name>', 'whom to greet', 'you'), json: flag('for scripts') },
 *   run: ({ name }) => say(`Hello ${name}\n`),
 * });
 */
export const command = <const O extends Options>(options: CommandOptions<O>): Promise<void> =>
  run(() => {
    const { values, positionals } = parse(options, ownArguments());
    if (values.help === true) return say(helpOf(options.name, options));
    const [excess] = positionals.slice(options.positionals ?? 0);
    if (excess !== undefined) throw new UsageError(`unexpected argument ${excess}; see --help`);
    return options.run(read(options.options, values), positionals);
  });

/** What this process was called with. pnpm hands on the `--` that npm takes away. */
export const ownArguments = (): string[] => {
  const [first, ...rest] = process.argv.slice(2);
  return first === undefined || first === '--' ? rest : [first, ...rest];
};

type Given = Readonly<Record<string, unknown>>;

const parse = (
  { options, positionals = 0 }: Pick<CommandOptions<Options>, 'options' | 'positionals'>,
  args: string[],
): { values: Given; positionals: readonly string[] } => {
  const kinds = Object.entries(options).map(([name, { argument }]) => [
    name,
    { type: argument === undefined ? 'boolean' : 'string' } as const,
  ]);
  return parseArgs({
    args,
    options: { ...Object.fromEntries(kinds), help: { type: 'boolean', short: 'h' } },
    allowPositionals: positionals > 0,
  });
};

const read = <O extends Options>(options: O, given: Given): Values<O> =>
  Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = given[name];
      return [name, value === undefined ? option.fallback : option.read(String(value), `--${name}`)];
    }),
  ) as Values<O>;

/** How help says that a command is called; `calledAs` changes it. */
let caller = (name: string): string => `npm run ${name} --`;

/** Makes help say `<bin> <command>` in place of `npm run <command>`. */
export const calledAs = (bin: string): void => {
  caller = (name) => `${bin} ${name}`;
};

type Help = Pick<CommandOptions<Options>, 'about' | 'usage' | 'options' | 'notes'>;

const helpOf = (name: string, { about, usage = '[options]', options, notes }: Help): string => {
  const lines = Object.entries(options).map(([option, { argument, about }]) => [
    `--${option}${argument === undefined ? '' : ` ${argument}`}`,
    about,
  ]);
  const all = [...lines, ['--help', 'this text']];
  const width = Math.max(...all.map(([option = '']) => option.length));
  const text = all.map(([option = '', about]) => `  ${option.padEnd(width)}  ${about}`).join('\n');
  return `${about}\n\nUsage: ${caller(name)} ${usage}\n\n${text}\n${notes === undefined ? '' : `\n${notes}\n`}`;
};

/** An option without a value. */
export const flag = (about: string): Option<boolean> => ({
  argument: undefined,
  about,
  fallback: false,
  read: () => true,
});

/** An option whose value is taken as it is. */
export function text(argument: string, about: string, fallback: string): Option<string>;
export function text(argument: string, about: string): Option<string | undefined>;
export function text(argument: string, about: string, fallback?: string): Option<string | undefined> {
  return { argument, about, fallback, read: (value) => value };
}

/** One of several words. */
export const word = <const Word extends string>(
  words: readonly Word[],
  about: string,
  fallback: Word,
): Option<Word> => ({
  argument: `<${words.join('|')}>`,
  about,
  fallback,
  read: (value, name) =>
    words.find((each) => each === value) ?? misused(name, `one of ${words.join(', ')}`, value),
});

/** A whole number. */
export const whole = (
  { min, max }: { readonly min: number; readonly max: number },
  about: string,
  fallback: number,
): Option<number> => ({
  argument: '<n>',
  about,
  fallback,
  read(value, name) {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max
      ? number
      : misused(name, `a whole number from ${min} to ${max}`, value);
  },
});

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time such as `90s`, `15m`, `1h` or `7d`, in seconds. */
export function seconds(about: string, fallback: number): Option<number>;
export function seconds(about: string): Option<number | undefined>;
export function seconds(about: string, fallback?: number): Option<number | undefined> {
  return { argument: '<time>', about, fallback, read: readSeconds };
}

const readSeconds = (value: string, name: string): number => {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  return count === undefined
    ? misused(name, 'a time such as 90s, 15m, 1h or 7d', value)
    : Number(count) * (SECONDS[unit] ?? 0);
};

const misused = (name: string, expected: string, got: string): never => {
  throw new UsageError(`${name}: expected ${expected}, got ${got}`);
};

/** A secret as given, or for `-` from standard input, since a command line stays in the shell's history. */
export const secretOf = async (given: string | undefined): Promise<string | undefined> =>
  given === '-' ? (await readAll(process.stdin)).trim() : given;

/** Writes to standard output. @returns the exit code, 0 unless `code` says otherwise. */
export const say = (output: string, code = 0): number => {
  process.stdout.write(output);
  return code;
};

/** A value as scripts read it. */
export const asJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Colours where the output is a terminal that wants them (`NO_COLOR`, `FORCE_COLOR`). */
export const paint = (colour: Parameters<typeof styleText>[0], output: string): string =>
  styleText(colour, output, { stream: process.stdout });

/** Text of a file or a network, with nothing in it that could steer the terminal. */
export const printable = (output: string): string => output.replace(/\p{Cc}/gu, ' ');

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
  process.stdout.on('error', endOfReader);
  try {
    process.exitCode = await main();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const misused = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    // `parseArgs` goes on with what to do about an argument that begins with a hyphen, which none of ours does.
    process.stderr.write(`${message.replace(/\. To specify.*$/s, '; see --help')}\n`);
    process.exitCode = misused ? 2 : 1;
  }
};

/** The reader of the output has left (`| head`): the process ends, unless the command listens for that itself. */
const endOfReader = ({ code, message }: NodeJS.ErrnoException): void => {
  if (process.stdout.listenerCount('error') > 1) return;
  if (code !== 'EPIPE') process.stderr.write(`${message}\n`);
  process.exit(code === 'EPIPE' ? 0 : 1);
};
