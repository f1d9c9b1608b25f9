// Log lines as they happen: `wrangler tail --format json`, or what is piped in (also of `wrangler dev`).
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ownArguments, paint, printable, run, say } from '../cli.ts';
import { wranglerBin } from '../wrangler.ts';

/** A log line of ours; docs/operate.md describes it. */
export interface Line {
  readonly outcome: string;
  readonly time?: string;
  readonly [name: string]: unknown;
}

/** JSON values of a stream: one a line, or spread over lines from `{` to `}` as wrangler prints them. */
export async function* jsonOf(input: Readable): AsyncGenerator<unknown> {
  let open = '';
  for await (const text of createInterface({ input })) {
    // Inside a spread value lines are indented, so this one begins anew, whatever came before.
    if (text.startsWith('{')) open = '';
    else if (open === '') continue;
    const value = parse(open + text);
    if (value !== undefined) yield value;
    const ends = value !== undefined || text === '}' || open.length > MAX_CHARS;
    open = ends ? '' : `${open}${text}\n`;
  }
}

/** Longest value that is put together from several lines. */
const MAX_CHARS = 1_048_576;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

interface TailEvent {
  readonly logs: readonly { readonly message: readonly unknown[]; readonly timestamp: number }[];
}

const isTailEvent = (value: unknown): value is TailEvent =>
  Array.isArray((value as Partial<TailEvent>)?.logs);

const isLine = (value: unknown): value is Line => typeof (value as Partial<Line>)?.outcome === 'string';

/** A line about no request has a `message` in place of an outcome, such as `key_set_failed`. */
const withOutcome = (value: unknown): unknown => {
  const { message, ...rest } = (value ?? {}) as Record<string, unknown>;
  return typeof message === 'string' && CODE.test(message) ? { outcome: message, ...rest } : value;
};

const CODE = /^[a-z]+(_[a-z]+)+$/;

/** Our lines in a value: itself, or those in an event of `wrangler tail`, with their time. */
export const linesOf = (value: unknown): readonly Line[] => {
  if (!isTailEvent(value)) return [withOutcome(value)].filter(isLine);
  return value.logs.flatMap(({ message, timestamp }) =>
    message
      .map((part) => withOutcome(typeof part === 'string' ? parse(part) : part))
      .filter(isLine)
      .map((line) => ({ time: new Date(timestamp).toISOString(), ...line })),
  );
};

const COLOURS: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  denied: 'yellow',
  unauthorized: 'red',
  abnormal: 'magenta',
  admin: 'cyan',
};

/** `2026-… denied 429 quota_exceeded route=search policy=10/minute …`. */
export const lineText = ({ time = '', outcome, status, reason, ...rest }: Line): string => {
  const facts = Object.entries(rest).map(([name, value]) => printable(`${name}=${value}`));
  const words = [time, paint(COLOURS[outcome] ?? 'white', outcome), status, reason, ...facts];
  return words.filter((word) => word !== undefined && word !== '').join(' ');
};

const HELP = `Prints Weir's log lines as they happen: from the deployed Worker by wrangler tail, or from what is piped in.

Usage: npx weir-edge tail [--json] [options of wrangler tail]
       npx wrangler dev | npx weir-edge tail

  --json  each line as it is
  --help  this text
`;

/** Runs the command. */
export const tail = (): Promise<void> =>
  run(async () => {
    const args = ownArguments();
    if (args.includes('--help')) return say(HELP);
    const isJson = args.includes('--json');
    for await (const value of jsonOf(openTail(args.filter((arg) => arg !== '--json'))))
      for (const line of linesOf(value)) say(`${isJson ? JSON.stringify(line) : lineText(line)}\n`);
    return 0;
  });

/** What is piped in; on a terminal the deployed Worker's log. @param options passed on to `wrangler tail`. */
export const openTail = (options: readonly string[]): Readable => {
  if (!process.stdin.isTTY) return process.stdin;
  const child = spawn(process.execPath, [wranglerBin(), 'tail', '--format', 'json', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child.stdout;
};
