// Finds and reads wrangler's configuration file.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseError, parse as parseJsonc, printParseErrorCode } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
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
  const content = readFileSync(path, 'utf8');
  try {
    return tableOf(path.endsWith('.toml') ? parseToml(content) : parseJson(content));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
};

/** JSON with comments and trailing commas, as wrangler reads it. */
const parseJson = (content: string): unknown => {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(content, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined) return value;
  const line = content.slice(0, first.offset).split('\n').length;
  throw new Error(`line ${line}: ${printParseErrorCode(first.error)}`);
};

export const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
