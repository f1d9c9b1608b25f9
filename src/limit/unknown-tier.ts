// Tells the log, once in an isolate, that tokens name a tier which `TIERS` does not have.
import type { Context } from 'hono';
import type { Config } from '../config.ts';
import type { Env } from '../env.ts';
import { log } from '../report/log.ts';

/** The line names the tiers that there are, never the one in the token: that is a claim. */
export const unknownTierTeller = ({ policies: { tiers } }: Config) => {
  let told = tiers.size === 0;
  return (c: Context<Env>): void => {
    const tier = told ? undefined : c.get('identity')?.tier;
    if (tier === undefined || tiers.has(tier)) return;
    told = true;
    log(
      () => ({ outcome: 'tier_unknown', expected: [...tiers.keys()] }),
      (work) => c.executionCtx.waitUntil(work),
    );
  };
};
