#!/usr/bin/env node
// Starts the commands: built ones in the package, their source in a clone.
import { existsSync } from 'node:fs';

const built = new URL('../dist/cli/weir.js', import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  await import('../tools/node-version.js');
  await import('../tools/weir.ts');
}
