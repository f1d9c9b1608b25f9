#!/usr/bin/env node
// Starts the commands: from source in a clone, else as built for the package.
import { existsSync } from 'node:fs';

const source = new URL('../tools/weir.ts', import.meta.url);
if (existsSync(source)) {
  await import('../tools/node-version.js');
  await import(source.href);
} else {
  await import('../dist/cli/weir.js');
}
