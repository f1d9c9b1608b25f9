// `npm run package`: builds what `npm pack` packs: the library's JavaScript and declarations, and the command line.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);

/** Where the library is built to; `exports` in `package.json` names it. */
const LIBRARY = join(root, 'dist/package');
/** Where the command line is built to; `bin` names it. */
const COMMAND = join(root, 'dist/cli');

/** Each file of `src` by itself, so that a bundler takes no more than is used and stack traces name ours. */
const buildLibrary = async (): Promise<void> => {
  await rm(LIBRARY, { recursive: true, force: true });
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.package.json'], { cwd: root });
};

/** A file for each command, and what they share, with all they need but wrangler, which whoever deploys has. */
const buildCommand = async (): Promise<void> => {
  await rm(COMMAND, { recursive: true, force: true });
  await build({
    entryPoints: [join(root, 'tools/weir.ts')],
    outdir: COMMAND,
    bundle: true,
    splitting: true,
    platform: 'node',
    // A module's own build first: the other one of `jsonc-parser` asks for its parts by variables.
    mainFields: ['module', 'main'],
    format: 'esm',
    target: 'node20',
    external: ['wrangler', 'miniflare', 'esbuild'],
    banner: {
      // CommonJS dependencies ask for `require`, which a module does not have. Under a name that no module of ours imports.
      js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
    },
  });
};

await Promise.all([buildLibrary(), buildCommand()]);
