// `npm run token`: a token for the demo, e.g. `npm run -s token -- --sub alice --tier pro --ttl 1h`.
import { parseArgs } from 'node:util';
import { run, UsageError } from './cli.ts';
import { mint } from './demo/issuer.ts';

const USAGE = `Usage: npm run -s token -- [options]

Prints a token for the demo that \`npm start\` runs.

  --sub <subject>      whose quota it spends; default alice
  --tier <tier>        such as pro
  --scope <scopes>     separated by spaces
  --ttl <time>         until it expires: 90s, 15m, 1h, 7d; default 1h`;

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      sub: { type: 'string', default: 'alice' },
      tier: { type: 'string' },
      scope: { type: 'string' },
      ttl: { type: 'string', default: '1h' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const { sub, tier, scope, ttl, help } = values;
  console.log(
    help ? USAGE : await mint(sub, seconds(ttl), { ...(tier && { tier }), ...(scope && { scope }) }),
  );
  return 0;
};

const seconds = (text: string): number => {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined)
    throw new UsageError(`--ttl: expected a time such as 90s, 15m, 1h or 7d, got ${text}`);
  return Number(count) * SECONDS[unit as keyof typeof SECONDS];
};

await run(main);
