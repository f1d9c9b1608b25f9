// `npm run token`: a token for the demo, e.g. `npm run -s token -- --sub alice --tier pro --ttl 1h`.
import { command, say, seconds, text } from './cli.ts';
import { mint } from './demo/issuer.ts';

const HOUR = 3_600;

await command({
  name: 'token',
  about: 'Prints a token for the demo that `npm start` runs.',
  options: {
    sub: text('<subject>', 'whose quota it spends; default alice', 'alice'),
    tier: text('<tier>', 'such as pro'),
    scope: text('<scopes>', 'separated by spaces'),
    ttl: seconds('until it expires: 90s, 15m, 1h, 7d; default 1h', HOUR),
  },
  async run({ sub, tier, scope, ttl }) {
    return say(`${await mint(sub, ttl, { ...(tier && { tier }), ...(scope && { scope }) })}\n`);
  },
});
