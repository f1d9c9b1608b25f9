// Command line -> what to audit and how. Every default stands here.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError } from '../cli.ts';
import type { Credentials } from './audit-context.ts';
import { type Baseline, NO_BASELINE, readBaseline } from './baseline.ts';
import { checksNamed } from './checks/index.ts';
import { type Declared, readExpected } from './declared.ts';
import type { BudgetLimits } from './http/budget.ts';
import { FORMATS, type Format } from './report/index.ts';
import { readPublicKeys, readSigningKey } from './tokens/keys.ts';
import type { Letter, Severity } from './types.ts';

export interface Options {
  readonly url: string;
  readonly credentials: Credentials;
  readonly limits: BudgetLimits;
  readonly only: readonly string[];
  /** The limits that the API ought to have; empty: those that it declares. */
  readonly expected: readonly Declared[];
  readonly format: Format;
  /** A file for the report; undefined: standard output. */
  readonly output: string | undefined;
  readonly failOn: Severity;
  /** The worst grade that is good enough. */
  readonly minGrade: Letter | undefined;
  /** An earlier report. */
  readonly baseline: Baseline;
  /** Further formats, each with its file. */
  readonly also: readonly (readonly [format: Format, file: string])[];
  readonly authorised: boolean;
}

export const DEFAULT_LIMITS: BudgetLimits = { maxRequests: 500, rate: 50 };
export const DEFAULT_ORIGIN = 'https://app.example';
const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F'] as const satisfies readonly Letter[];
const SEVERITIES = ['high', 'medium', 'low'] as const;

export const HELP = `Audits, from outside, whether an HTTP API's rate limits and token checks hold.

  npm run audit -- --url https://api.example.com/v1/profile --token "$TOKEN"

  --url URL              an address that answers a GET with 2xx to the token
  --token TOKEN          a JWT that the API accepts; its subject's quota is spent
                         (or the environment variable AUDIT_TOKEN, which ps does not show)
  --second-token TOKEN   another token of the same subject      (AUDIT_SECOND_TOKEN)
  --other-token TOKEN    a token of another subject             (AUDIT_OTHER_TOKEN)
  --jwks FILE            the issuer's key set, for the HS256 forgery
  --public-key FILE      or its public key: PEM or JWK
  --signing-key FILE     to mint tokens with, expired ones and other subjects': a private JWK or PEM, or the
                         HMAC secret that signed the token (a JWK "oct", or the secret as it is); - reads it
                         from standard input            (or the key itself in AUDIT_SIGNING_KEY)
  --expect LIMITS        what the limit ought to be, where the API does not say: 100/minute
  --origin ORIGIN        a page's origin that the API serves, for CORS (${DEFAULT_ORIGIN})
  --only LIST            check ids or families: tokens,leaks.timing; a name that is neither ends with 2
  --max-requests N       requests in all (${DEFAULT_LIMITS.maxRequests})
  --rate N               requests in any second (${DEFAULT_LIMITS.rate})
  --format FORMAT        ${FORMATS.join(', ')} (table)
  --output FILE          where the report goes (standard output)
  --also FORMAT=FILE     a further report in another format; may be repeated
  --fail-on SEVERITY     exit with 1 if a check of this severity or above fails: high, medium, low (low)
  --min-grade LETTER     exit with 1 if the grade is worse than this; with 2 if there is none
  --baseline FILE        a report of --format json: only what it does not know, or a worse grade, fails
  --i-am-authorised      the host is not this machine, and its owner lets you do this
  --help                 this text

Exit code: 0 nothing (new) failed, 1 something did or the grade fell, 2 the audit could not run, was stopped or
measured too little for the grade that --min-grade asks for.
`;

const OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  'second-token': { type: 'string' },
  'other-token': { type: 'string' },
  jwks: { type: 'string' },
  'public-key': { type: 'string' },
  'signing-key': { type: 'string' },
  origin: { type: 'string' },
  only: { type: 'string' },
  expect: { type: 'string' },
  'min-grade': { type: 'string' },
  also: { type: 'string', multiple: true },
  'max-requests': { type: 'string' },
  rate: { type: 'string' },
  format: { type: 'string' },
  output: { type: 'string' },
  'fail-on': { type: 'string' },
  baseline: { type: 'string' },
  'i-am-authorised': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parse>;

/** @returns `help` where that was asked for. @throws {UsageError} */
export const readOptions = (args: readonly string[], env: NodeJS.ProcessEnv): Options | 'help' => {
  const values = parse(args);
  if (values.help) return 'help';
  return {
    url: required(values.url, '--url', 'the address to audit'),
    credentials: credentials(values, env),
    limits: {
      maxRequests: whole(values['max-requests'], '--max-requests', DEFAULT_LIMITS.maxRequests, 10, 100_000),
      rate: whole(values.rate, '--rate', DEFAULT_LIMITS.rate, 2, 1000),
    },
    only: only(values.only),
    expected:
      values.expect === undefined ? [] : understood('--expect', () => readExpected(values.expect ?? '')),
    format: oneOf(values.format, '--format', FORMATS, 'table'),
    output: values.output,
    failOn: oneOf(values['fail-on'], '--fail-on', SEVERITIES, 'low'),
    minGrade:
      values['min-grade'] === undefined ? undefined : oneOf(values['min-grade'], '--min-grade', LETTERS, 'A'),
    baseline:
      values.baseline === undefined ? NO_BASELINE : readFile('--baseline', values.baseline, readBaseline),
    also: (values.also ?? []).map(also),
    authorised: values['i-am-authorised'] ?? false,
  };
};

/** Names that are checks or families; at least one where the option is given. */
const only = (list: string | undefined): readonly string[] => {
  if (list === undefined) return [];
  const names = list.split(',').map((name) => name.trim());
  try {
    checksNamed(names);
    return names;
  } catch (error) {
    throw new UsageError(`--only: ${(error as Error).message}`);
  }
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const credentials = (values: Values, env: NodeJS.ProcessEnv): Credentials => {
  const given = (value: string | undefined, name: string) => value ?? (env[name] || undefined);
  const token = required(given(values.token, 'AUDIT_TOKEN'), '--token', 'a token that the API accepts');
  return {
    token,
    secondToken: given(values['second-token'], 'AUDIT_SECOND_TOKEN'),
    otherToken: given(values['other-token'], 'AUDIT_OTHER_TOKEN'),
    publicKeys: ['jwks', 'public-key'].flatMap((name) =>
      publicKeys(name, values[name as 'jwks' | 'public-key']),
    ),
    signingKey: signingKey(values['signing-key'], env.AUDIT_SIGNING_KEY || undefined, token),
    origin: values.origin ?? DEFAULT_ORIGIN,
  };
};

const signingKey = (path: string | undefined, inline: string | undefined, token: string) => {
  const read = (text: string) => readSigningKey(text, token);
  if (path !== undefined) return readFile('--signing-key', path, read);
  return inline === undefined ? undefined : understood('AUDIT_SIGNING_KEY', () => read(inline));
};

const publicKeys = (name: string, path: string | undefined) =>
  path === undefined ? [] : readFile(`--${name}`, path, readPublicKeys);

const readFile = <T>(option: string, path: string, read: (text: string) => T): T =>
  understood(option, () => read(readFileSync(path === '-' ? process.stdin.fd : path, 'utf8')));

/** Never quotes what it could not read: it may be a key. */
const understood = <T>(option: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : '';
    throw new UsageError(`${option}: cannot be read: ${why}`);
  }
};

/** `markdown=report.md` */
const also = (text: string): readonly [Format, string] => {
  const at = text.indexOf('=');
  const format = FORMATS.find((one) => one === text.slice(0, at));
  if (at < 1 || format === undefined || at === text.length - 1)
    throw new UsageError(`--also: expected FORMAT=FILE, where FORMAT is ${FORMATS.join(', ')}; got ${text}`);
  return [format, text.slice(at + 1)];
};

const required = (value: string | undefined, option: string, expected: string): string => {
  if (value === undefined || value === '') throw new UsageError(`${option}: expected ${expected}`);
  return value;
};

const whole = (
  text: string | undefined,
  option: string,
  fallback: number,
  least: number,
  most: number,
): number => {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, got ${text}`);
};

const oneOf = <T extends string>(
  text: string | undefined,
  option: string,
  all: readonly T[],
  fallback: T,
): T => {
  if (text === undefined) return fallback;
  const value = all.find((one) => one === text);
  if (value === undefined) throw new UsageError(`${option}: expected ${all.join(', ')}, got ${text}`);
  return value;
};
