// Builds the console into one text module of the Worker, `src/admin/console.txt`: JSON of what is served under which path.
// Wrangler runs this before every build (`[build]` in wrangler.toml).
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;

/** Where the Worker looks for it. */
export const CONSOLE_FILE = join(here, '../src/admin/console.txt');

/** What is served: content type and text, by path. */
export type Files = Readonly<Record<string, readonly [type: string, text: string]>>;

const bundle = async (entry: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
};

const minified = (html: string): string => html.replaceAll(/\n\s*/g, '\n');

export const buildConsole = async (): Promise<Files> => {
  const text = (name: string) => readFile(join(here, name), 'utf8');
  const [html, icon, script, style] = await Promise.all([
    text('index.html'),
    text('icon.svg'),
    bundle('main.tsx'),
    bundle('console.css'),
  ]);
  return {
    '/': ['text/html; charset=utf-8', minified(html)],
    '/console.js': ['text/javascript; charset=utf-8', script],
    '/console.css': ['text/css; charset=utf-8', style],
    '/icon.svg': ['image/svg+xml', icon],
  };
};

/** One rename, so that a build beside this one reads the old or the new one, whole. */
const writeConsole = async (): Promise<void> => {
  const scratch = `${CONSOLE_FILE}.${process.pid}`;
  await mkdir(dirname(CONSOLE_FILE), { recursive: true });
  await writeFile(scratch, JSON.stringify(await buildConsole()));
  await rename(scratch, CONSOLE_FILE);
};

if (import.meta.main) await writeConsole();
