#!/usr/bin/env node
// Starts the commands: from source in a clone, else as built for the package.
import { existsSync } from 'node:fs';

/** What the commands need: `URLPattern`, and much else that is younger than Node 20. */
const OLDEST = 24;

const source = new URL('../tools/weir.ts', import.meta.url);
if (existsSync(source)) {
  await import('../tools/node-version.js');
  await import(source.href);
} else if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  process.stderr.write(
    `weir-edge's commands need Node ${OLDEST}, and this is ${process.version}. Install it, or let npx bring it along:
npx -p node@${OLDEST} -p weir-edge weir-edge …\n`,
  );
  process.exitCode = 2;
} else {
  await import('../dist/cli/weir.js');
}
