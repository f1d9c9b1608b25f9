// The project's own wrangler.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UsageError } from './cli.ts';

/** Its program, to be run by Node. @throws {UsageError} where the project has none. */
export const wranglerBin = (): string => {
  const project = createRequire(join(process.cwd(), 'package.json'));
  try {
    return join(dirname(project.resolve('wrangler/package.json')), 'bin/wrangler.js');
  } catch {
    throw new UsageError('expected wrangler in this project: npm install --save-dev wrangler');
  }
};
