// `npm test`: every test that needs nothing but `npm ci`, without colours where the output is no terminal. Arguments go to vitest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { run } from './cli.ts';

const args = process.argv.slice(2);
const projects = args.some((arg) => /^--project(=|$)/.test(arg)) ? [] : ['--project=!foreign'];

await run(async () => {
  const vitest = fileURLToPath(import.meta.resolve('vitest/package.json')).replace(
    'package.json',
    'vitest.mjs',
  );
  const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const child = spawn(process.execPath, [vitest, 'run', ...projects, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
});
