// Finds and reads wrangler's configuration file.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseError, parse as parseJsonc, printParseErrorCode } from 'jsonc-parser';
import { parse as parseToml, TomlError } from 'smol-toml';
import { UsageError } from '../cli.ts';

/** In wrangler's own order: it reads the first that is there. */
const NAMES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'] as const;

export type Table = Readonly<Record<string, unknown>>;

export interface ConfigFile {
  readonly path: string;
  readonly content: Table;
  /** Other configuration files beside it, which wrangler does not read. */
  readonly ignored: readonly string[];
}

/**
 * Reads the file at `path`, else the one of `directory` that wrangler would read.
 * @throws {UsageError} where there is none, or where it cannot be parsed.
 */
export const readConfigFile = (path: string | undefined, directory = '.'): ConfigFile => {
  if (path !== undefined) return { path, content: parseFile(path), ignored: [] };
  const [found, ...ignored] = NAMES.map((name) => join(directory, name)).filter(existsSync);
  if (found === undefined)
    throw new UsageError(`expected ${NAMES.join(', ')} or --config <path>, found none`);
  return { path: found, content: parseFile(found), ignored };
};

const parseFile = (path: string): Table => {
  if (!existsSync(path)) throw new UsageError(`${path}: no such file`);
  // Some editors begin a file with a mark of its byte order.
  const content = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  try {
    return checkedTable(path.endsWith('.toml') ? parseToml(content) : parseJson(content));
  } catch (error) {
    throw new UsageError(`${path}: ${reasonOf(error)}`);
  }
};

/** The parser's own message goes on with the lines around, which may hold a secret. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof TomlError)) return error instanceof Error ? error.message : String(error);
  const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
  return `line ${error.line}, column ${error.column}: ${reason}`;
};

const checkedTable = (value: unknown): Table => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('expected a table of settings, `{ "name": "weir", … }`');
  return tableOf(value);
};

/** JSON with comments and trailing commas, as wrangler reads it. */
const parseJson = (content: string): unknown => {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(content, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined) return value;
  const before = content.slice(0, first.offset).split('\n');
  const code = printParseErrorCode(first.error);
  throw new Error(
    `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${FAULTS[code] ?? code}`,
  );
};

/** What is wrong with a JSON, by the parser's name of it. */
const FAULTS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a value, or a name in double quotes',
  PropertyNameExpected: 'expected a name in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected `}`',
  CloseBracketExpected: 'expected `]`',
  EndOfFileExpected: 'expected nothing more',
  UnexpectedEndOfString: 'expected a quote at the end of the text',
};

export const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
