// The Workers of the benchmark, bundled as wrangler would.
import { join } from 'node:path';
import { build } from 'esbuild';

/** One module of `bench/workers/`, minified like Weir itself. */
export const bundle = async (name: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'workers', `${name}.ts`)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'contender'],
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
};
