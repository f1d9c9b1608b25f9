#!/usr/bin/env node
// Starts the commands: their source in a clone, else what the package was built with.
import { existsSync } from 'node:fs';

const source = new URL('../tools/weir.ts', import.meta.url);
if (existsSync(source)) {
  await import('../tools/node-version.js');
  await import(source.href);
} else {
  await import('../dist/cli/weir.js');
}
