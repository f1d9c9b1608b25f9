// Command line -> what to audit and how. Every default stands here.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError } from '../cli.ts';
import type { Credentials } from './audit-context.ts';
import { readBaseline } from './baseline.ts';
import type { BudgetLimits } from './http/budget.ts';
import { FORMATS, type Format } from './report/index.ts';
import { readPublicKeys, readSigningKey } from './tokens/keys.ts';
import type { Severity } from './types.ts';

export interface Options {
  readonly url: string;
  readonly credentials: Credentials;
  readonly limits: BudgetLimits;
  readonly only: readonly string[];
  readonly format: Format;
  /** A file for the report; undefined: standard output. */
  readonly output: string | undefined;
  readonly failOn: Severity;
  /** Ids that failed before. */
  readonly known: ReadonlySet<string>;
  readonly authorised: boolean;
}

export const DEFAULT_LIMITS: BudgetLimits = { maxRequests: 500, rate: 50 };
export const DEFAULT_ORIGIN = 'https://app.example';
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
  --signing-key FILE     a private JWK to mint tokens with: expired ones, other subjects'
                         (or the JWK itself in AUDIT_SIGNING_KEY)
  --origin ORIGIN        a page's origin that the API serves, for CORS (${DEFAULT_ORIGIN})
  --only LIST            check ids or families: tokens,leaks.timing
  --max-requests N       requests in all (${DEFAULT_LIMITS.maxRequests})
  --rate N               requests in any second (${DEFAULT_LIMITS.rate})
  --format FORMAT        ${FORMATS.join(', ')} (table)
  --output FILE          where the report goes (standard output)
  --fail-on SEVERITY     exit with 1 if a check of this severity or above fails: high, medium, low (low)
  --baseline FILE        a report of --format json: only what it does not know fails
  --i-am-authorised      the host is not this machine, and its owner lets you do this
  --help                 this text

Exit code: 0 nothing (new) failed, 1 something did, 2 the audit could not run or was stopped.
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
    only: values.only?.split(',').filter((name) => name !== '') ?? [],
    format: oneOf(values.format, '--format', FORMATS, 'table'),
    output: values.output,
    failOn: oneOf(values['fail-on'], '--fail-on', SEVERITIES, 'low'),
    known: values.baseline === undefined ? new Set() : readFile('--baseline', values.baseline, readBaseline),
    authorised: values['i-am-authorised'] ?? false,
  };
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
  const signingKey = env.AUDIT_SIGNING_KEY && inline(env.AUDIT_SIGNING_KEY);
  const key =
    values['signing-key'] === undefined
      ? signingKey
      : readFile('--signing-key', values['signing-key'], readSigningKey);
  return {
    token: required(given(values.token, 'AUDIT_TOKEN'), '--token', 'a token that the API accepts'),
    secondToken: given(values['second-token'], 'AUDIT_SECOND_TOKEN'),
    otherToken: given(values['other-token'], 'AUDIT_OTHER_TOKEN'),
    publicKeys: ['jwks', 'public-key'].flatMap((name) =>
      publicKeys(name, values[name as 'jwks' | 'public-key']),
    ),
    signingKey: key || undefined,
    origin: values.origin ?? DEFAULT_ORIGIN,
  };
};

const inline = (text: string) => understood('AUDIT_SIGNING_KEY', () => readSigningKey(text));

const publicKeys = (name: string, path: string | undefined) =>
  path === undefined ? [] : readFile(`--${name}`, path, readPublicKeys);

const readFile = <T>(option: string, path: string, read: (text: string) => T): T =>
  understood(option, () => read(readFileSync(path, 'utf8')));

/** Never quotes what it could not read: it may be a key. */
const understood = <T>(option: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : '';
    throw new UsageError(`${option}: cannot be read: ${why}`);
  }
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
