// `npm run token`: a token for the demo, e.g. `npm run -s token -- --sub alice --tier pro --ttl 1h`.
import { command, flag, say, seconds, text } from './cli.ts';
import { AUDIENCE, ISSUER, mint, publicKey } from './demo/issuer.ts';

const HOUR = 3_600;

/** Lines of `.dev.vars` that trust these tokens, in place of whoever is trusted elsewhere. */
const devVars = async (): Promise<string> =>
  [
    `JWT_ISSUER="${ISSUER}"`,
    `JWT_AUDIENCE="${AUDIENCE}"`,
    `JWT_PUBLIC_KEY='${JSON.stringify(await publicKey())}'`,
    'JWKS_URL=""',
    'ISSUERS=""',
    '',
  ].join('\n');

await command({
  name: 'token',
  about:
    'Prints a token for the demo that `npm start` runs, or for a `wrangler dev` that was told to trust it.',
  options: {
    sub: text('<subject>', 'whose quota it spends; default alice', 'alice'),
    tier: text('<tier>', 'such as pro'),
    scope: text('<scopes>', 'separated by spaces'),
    'dev-vars': flag(
      'prints, instead of a token, the lines of .dev.vars that make wrangler dev trust these tokens',
    ),
    ttl: seconds('until it expires: 90s, 15m, 1h, 7d; default 1h', HOUR),
  },
  async run({ sub, tier, scope, ttl, 'dev-vars': isForVars }) {
    if (isForVars) return say(await devVars());
    return say(`${await mint(sub, ttl, { ...(tier && { tier }), ...(scope && { scope }) })}\n`);
  },
});
