// `npm run weir`: look, reset, override, revoke and follow, on a running Weir's admin API.
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { run, UsageError } from './cli.ts';
import { call, health, type State, type Target } from './weir/client.ts';
import { configText, stateText } from './weir/show.ts';
import { jsonOf, linesOf, lineText, openTail } from './weir/tail.ts';

const HELP = `Looks at a running Weir and steers it.

Usage: npm run -s weir -- <verb> [options]

  status                    whether it works, and the configuration in force
  subject <subject>         what is left of each policy, and what was set
  reset <subject>           forgets what was spent
  override <subject> --limits <limits> --for <time> --reason <text>
                            other limits for a while: 10/minute, none or blocked
  override <subject> --lift
  revoke <subject> --jti <id> | --before <time>|now | --lift
  revoke --token <jwt>      or - to read it from standard input
  tail [options of wrangler tail]
                            log lines as they happen, of the deployed Worker or from standard input

  --address <ip>            instead of a subject: an address's callers without a token
  --issuer <issuer>         of the subject, where several are configured
  --until <time>            when an override or a mark ends, such as 2027-01-31T12:00:00Z
  --for <time>              the same from now on: 90s, 15m, 1h, 7d
  --url <url>               of Weir; default: WEIR_URL
  --json                    for scripts
  --help

The admin token is read from WEIR_ADMIN_TOKEN.
Exit code: 0, 1 where Weir refuses or cannot be reached, 2 for wrong use.
`;

const string = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

const OPTIONS = {
  ...{ url: string, issuer: string, address: string, limits: string, for: string, until: string },
  ...{ reason: string, jti: string, token: string, before: string },
  ...{ lift: flag, json: flag, help: flag },
} as const;

const read = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });

type Values = ReturnType<typeof read>['values'];

interface Command {
  readonly target: Target;
  readonly values: Values;
  readonly subject: string | undefined;
}

const say = (line: string): void => void process.stdout.write(line);

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** `subjects?issuer=…&subject=…`, or `addresses?address=…`. */
const pathOf = ({ values: { issuer, address }, subject }: Command, verb = ''): string => {
  if ((subject === undefined) === (address === undefined))
    throw new UsageError('expected a subject or --address, and one of them');
  const query = new URLSearchParams({
    ...(subject === undefined ? { address: address ?? '' } : { subject }),
    ...(issuer === undefined ? {} : { issuer }),
  });
  return `${subject === undefined ? 'addresses' : 'subjects'}${verb}?${query}`;
};

const showState = ({ values }: Command, state: State): void =>
  say(values.json ? asJson(state) : stateText(state));

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `--until`, or `--for` from now on. */
const untilOf = ({ until, for: time }: Values): string | undefined => {
  if (time === undefined || until !== undefined) return until;
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(time) ?? [];
  if (count === undefined)
    throw new UsageError(`--for: expected a time such as 90s, 15m, 1h or 7d, got ${time}`);
  return new Date(Date.now() + Number(count) * (SECONDS[unit] ?? 0) * 1_000).toISOString();
};

/** Exit code 1 where Weir is misconfigured. */
const status = async ({ target, values }: Command): Promise<number> => {
  const { status } = await health(target);
  const known = status === 'ok' && target.token !== undefined;
  const config = known ? await call<Record<string, unknown>>(target, 'GET', 'config') : undefined;
  if (values.json) say(asJson({ status, config }));
  else say(`${target.url}: ${status}\n${config === undefined ? '' : `\n${configText(config)}`}`);
  return status === 'ok' ? 0 : 1;
};

const subject = async (command: Command): Promise<number> => {
  showState(command, await call(command.target, 'GET', pathOf(command)));
  return 0;
};

const reset = async (command: Command): Promise<number> => {
  showState(command, await call(command.target, 'POST', pathOf(command, '/reset')));
  return 0;
};

const override = async (command: Command): Promise<number> => {
  const { limits, reason, lift } = command.values;
  const path = pathOf(command, '/override');
  const body = { limits, until: untilOf(command.values), reason };
  showState(
    command,
    await (lift ? call(command.target, 'DELETE', path) : call(command.target, 'PUT', path, body)),
  );
  return 0;
};

const revoke = async (command: Command): Promise<number> => {
  const { jti, before, lift, token: given } = command.values;
  // On a command line a token would stay in the shell's history.
  const token = given === '-' ? (await text(process.stdin)).trim() : given;
  const alone = token !== undefined && command.subject === undefined;
  const path = alone ? 'subjects/revoke' : pathOf(command, '/revoke');
  const body = { jti, before, token, until: untilOf(command.values) };
  showState(
    command,
    await (lift ? call(command.target, 'DELETE', path) : call(command.target, 'POST', path, body)),
  );
  return 0;
};

const VERBS: Readonly<Record<string, (command: Command) => Promise<number>>> = {
  ...{ status, subject, reset, override, revoke },
};

/** `--json` prints each line as it is. */
const tail = async (options: readonly string[]): Promise<number> => {
  const json = options.includes('--json');
  for await (const value of jsonOf(openTail(options.filter((option) => option !== '--json'))))
    for (const line of linesOf(value)) say(`${json ? JSON.stringify(line) : lineText(line)}\n`);
  return 0;
};

/** The admin token goes there, so over https alone, but for this very machine. */
const urlOf = (text: string | undefined): string => {
  const url = URL.parse(text ?? '');
  if (url === null) throw new UsageError('expected the URL of Weir in --url or WEIR_URL');
  if (url.protocol !== 'https:' && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname))
    throw new UsageError(`expected an https URL, got ${url.origin}`);
  return url.origin;
};

const main = async (): Promise<number> => {
  const args = process.argv.slice(2);
  if (args[0] === 'tail' && !args.includes('--help')) return tail(args.slice(1));
  const { values, positionals } = read(args);
  const [verb = '', name, ...more] = positionals;
  if (values.help) say(HELP);
  if (values.help) return 0;
  const act = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (act === undefined || more.length > 0)
    throw new UsageError(`expected one of ${Object.keys(VERBS).join(', ')}, tail; see --help`);
  const url = urlOf(values.url ?? process.env.WEIR_URL);
  const target = { url, token: process.env.WEIR_ADMIN_TOKEN || undefined };
  return act({ target, values, subject: name });
};

await run(main);
