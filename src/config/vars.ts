// Reads vars one at a time and keeps every problem, so that one look shows them all. Never quotes a secret.
import type { GenericSchema, InferOutput } from 'valibot';
import { described, oneOf } from '../lib/issue.ts';
import { parseJson } from '../lib/json.ts';
import { Secret } from '../lib/secret.ts';
import { validated } from '../lib/shape.ts';
import {
  type Bounds,
  CHOICES,
  INTEGERS,
  SECRETS,
  type SecretBounds,
  type SecretVar,
  TEXTS,
} from './settings.ts';

/** What is wrong with one var, or with one entry of it (`ROUTES[2].cost`). */
export interface Problem {
  readonly variable: string;
  /** What was expected and, unless it is a secret, what was found. */
  readonly problem: string;
}

type Choice<Name extends keyof typeof CHOICES> = (typeof CHOICES)[Name][number];

const DEFAULTS: Readonly<Record<string, string | undefined>> = TEXTS;

/** A Worker's vars and other bindings. */
export type Env = Readonly<Record<string, unknown>>;

export class Vars {
  readonly problems: Problem[];
  readonly #env: Env;
  /** What a message calls a name. */
  readonly nameOf: (name: string) => string;

  constructor(env: Env, nameOf = (name: string) => name, problems: Problem[] = []) {
    this.#env = env;
    this.nameOf = nameOf;
    this.problems = problems;
  }

  /** A reader of other values, such as the members of a structured var, that adds to the same list of problems. */
  within(env: Env, nameOf: (name: string) => string): Vars {
    return new Vars(env, nameOf, this.problems);
  }

  /**
   * @param name a var, and what follows it of a path into its value: `claims.azp`.
   * @param got left out where it may be a secret.
   */
  fail(name: string, expected: string, got?: unknown): undefined {
    const variable = name.replace(/^\w+/, (own) => this.nameOf(own));
    this.problems.push({ variable, problem: `expected ${described({ expected, got })}` });
  }

  /** The value as it is bound; an empty string is unset. */
  raw(name: string): unknown {
    const value = this.#env[name];
    return value === '' || value === null ? undefined : value;
  }

  /** Trimmed; where unset its default, if it has one. A secret must not be read as text: a message would quote it. */
  text(name: keyof typeof TEXTS): string;
  text<Name extends string>(name: Name extends SecretVar ? never : Name): string | undefined;
  text(name: string): string | undefined {
    const value = this.raw(name) ?? '';
    const isPlain = typeof value !== 'object' && typeof value !== 'function';
    if (!isPlain) this.fail(name, 'a string');
    return (isPlain && String(value).trim()) || DEFAULTS[name];
  }

  integer(name: keyof typeof INTEGERS): number {
    return this.number(name, INTEGERS[name]) ?? INTEGERS[name].fallback;
  }

  /** Undefined where unset. */
  number(name: string, { min, max, decimals = false }: Bounds): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max && (decimals || !text.includes('.'))) return number;
    return this.fail(name, `a ${decimals ? '' : 'whole '}number from ${min} to ${max}`, text);
  }

  /** One of the words, the first where unset. */
  choice<Name extends keyof typeof CHOICES>(name: Name): Choice<Name> {
    const [fallback] = CHOICES[name];
    return this.word<Choice<Name>>(name, CHOICES[name]) ?? fallback;
  }

  /** One of the words, undefined where unset. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name);
    const found = words.find((word) => word === text);
    if (found === undefined && text !== undefined) this.fail(name, oneOf(words), text);
    return found;
  }

  /** Comma-separated, or an array of strings, each trimmed; undefined where unset. */
  list(name: string): readonly string[] | undefined {
    const value = this.raw(name);
    const items = (isStrings(value) ? value : this.text(name)?.split(','))?.map((item) => item.trim());
    if (items?.length === 0 || items?.includes('')) this.fail(name, 'values between commas', '');
    return items;
  }

  /** Undefined where unset. */
  secretVar(name: SecretVar): Secret | undefined {
    return this.secret(name, SECRETS[name]);
  }

  /** Kept byte for byte. */
  secret(name: string, { minBytes, visible }: SecretBounds): Secret | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return this.fail(name, 'a string');
    const { length } = new TextEncoder().encode(value);
    if (length < minBytes) return this.fail(name, `at least ${minBytes} bytes`, length);
    if (visible && !/^[!-~]+$/.test(value)) return this.fail(name, 'printable ASCII without spaces');
    return new Secret(value);
  }

  /**
   * A TOML table or array, or the same as a JSON string. A var holds 5 KB, so what does not fit continues in `<name>_1` to
   * `<name>_9`: more entries of the array, or more keys of the table.
   */
  structured<Schema extends GenericSchema>(name: string, schema: Schema): InferOutput<Schema> | undefined {
    const parts = [name, ...CONTINUED.map((part) => `${name}_${part}`)].flatMap((each) =>
      this.#part(each, schema),
    );
    const [first, ...more] = parts;
    if (more.length === 0) return first;
    return (Array.isArray(first) ? parts.flat() : Object.assign({}, ...parts)) as InferOutput<Schema>;
  }

  /** One var of several that belong together; nothing where it is unset or at fault. */
  #part<Schema extends GenericSchema>(name: string, schema: Schema): readonly InferOutput<Schema>[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    const data = typeof value === 'string' ? parseJson(value) : value;
    if (data === undefined) {
      this.fail(name, 'a TOML table or array, or JSON');
      return [];
    }
    const result = validated(schema, data, name);
    if ('output' in result) return [result.output];
    for (const { at, expected, got } of result.issues) this.fail(at, expected, got);
    return [];
  }
}

/** Numbers of the vars in which a structured var continues. */
const CONTINUED = [1, 2, 3, 4, 5, 6, 7, 8, 9];

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
