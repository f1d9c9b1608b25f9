// `npm run map`: writes the tree of every file of `src` and `tools` into docs/architecture.md, each with the first sentence
// of the comment at its head. `--check` only tells whether it is up to date.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './cli.ts';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/architecture.md');

const BEGIN = '<!-- The tree: `npm run map` writes it. -->\n```\n';
const END = '```\n<!-- The tree ends. -->';

/** Longest line of the tree, in characters. */
const WIDTH = 140;
/** Where what a file is begins. */
const COLUMN = 30;

/** The first sentence of the comment at a file's head. */
export const headOf = (source: string): string => {
  const [lines = ''] = /^(?:#!.*\n)?(?:\/\/.*\n)+/.exec(source) ?? [];
  const text = lines.replace(/^#!.*\n/, '').replace(/^\/\/ ?/gm, '');
  const [sentence = ''] = /^.*?[.](?=\s|$)/s.exec(text) ?? [text];
  return sentence.replaceAll('\n', ' ').replace(/\.$/, '').trim();
};

/** The tree, a line each file and folder. */
export const treeOf = (files: readonly string[], read: (file: string) => string): string => {
  const lines: string[] = [];
  let folders: readonly string[] = [];
  for (const file of files) {
    const parts = file.split('/');
    const name = parts.pop() ?? '';
    parts.forEach((part, depth) => {
      if (parts.slice(0, depth + 1).join('/') !== folders.slice(0, depth + 1).join('/'))
        lines.push(`${'  '.repeat(depth)}${part}/`);
    });
    folders = parts;
    const label = '  '.repeat(parts.length) + name;
    const line = `${label.padEnd(COLUMN - 1)} ${headOf(read(file))}`;
    lines.push(line.length > WIDTH ? `${line.slice(0, WIDTH - 1).trimEnd()}…` : line);
  }
  return `${lines.join('\n')}\n`;
};

/** Files of a folder before its folders, each in alphabetical order. */
const inOrder = (a: string, b: string): number => {
  const [left, right] = [a.split('/'), b.split('/')];
  const depth = left.findIndex((part, i) => part !== right[i]);
  const isFile = (parts: readonly string[]) => Number(depth !== parts.length - 1);
  return isFile(left) - isFile(right) || (left[depth] ?? '').localeCompare(right[depth] ?? '');
};

const sources = (): readonly string[] =>
  execFileSync('git', ['ls-files', 'src', 'tools'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.[jt]sx?$/.test(file))
    .toSorted(inOrder);

/** The page with its tree as the files are now. */
export const mapped = (text: string): string => {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the tree`);
  return before + BEGIN + treeOf(sources(), (file) => readFileSync(join(root, file), 'utf8')) + END + after;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const text = readFileSync(page, 'utf8');
  const fresh = mapped(text);
  if (values.check) return fresh === text ? 0 : 1;
  writeFileSync(page, fresh);
  return 0;
};

if (import.meta.main) await run(main);
