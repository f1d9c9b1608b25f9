// `npm run deploy`: checks the configuration, then `wrangler deploy`. Stops at errors, and at warnings unless they are allowed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ownArguments, run } from './cli.ts';
import { wranglerBin } from './wrangler.ts';

const HELP = `Checks the configuration, then runs wrangler deploy.

Usage: npm run deploy -- [--allow-warnings] [options of wrangler deploy]

  --allow-warnings  deploy although check has warnings
  --help            this text

Exit code: that of check where it stops, else wrangler's.
`;

/** Options that check must know to look at what wrangler deploys. */
const SHARED: Readonly<Record<string, string>> = {
  '--env': '--env',
  '-e': '--env',
  '--config': '--config',
  '-c': '--config',
};

const main = async (): Promise<number> => {
  const args = ownArguments();
  if (args.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const strict = args.includes('--allow-warnings') ? [] : ['--strict'];
  const rest = args.filter((arg) => arg !== '--allow-warnings');
  const checked = await node([join(import.meta.dirname, 'check.ts'), ...strict, ...shared(rest)]);
  if (checked === 0) return node([wranglerBin(), 'deploy', ...rest]);
  process.stderr.write(
    strict.length > 0
      ? 'Nothing was deployed. With --allow-warnings, only errors keep it from being.\n'
      : 'Nothing was deployed.\n',
  );
  return checked;
};

/** Of wrangler's options those that name the environment or the file, in the words of check; the last one counts. */
const shared = (args: readonly string[]): readonly string[] => [
  // Wrangler takes it from there, too.
  `--env=${process.env.CLOUDFLARE_ENV ?? ''}`,
  ...args.flatMap((arg, index) => {
    const [name = '', inline] = arg.split('=');
    const option = SHARED[name];
    const value = inline ?? args[index + 1];
    return option === undefined || value === undefined ? [] : [option, value];
  }),
];

/** Runs Node on these arguments, on this terminal. @returns its exit code. */
const node = async (args: readonly string[]): Promise<number> => {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};

await run(main);
