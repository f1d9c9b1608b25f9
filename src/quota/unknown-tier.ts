// Tells the log, once in an isolate, that tokens name a tier which `TIERS` does not have.
import { tiersOf } from '../config/tiers.ts';
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { log } from '../report/log.ts';

/** The line names the tiers that there are, never the one in the token: that is a claim. */
export const warnUnknownTierOnce = (config: Config) => {
  const tiers = new Set(tiersOf(config));
  let told = tiers.size === 0;
  return (exchange: Exchange): void => {
    const tier = told ? undefined : exchange.identity?.tier;
    if (tier === undefined || tiers.has(tier)) return;
    told = true;
    log(() => ({ outcome: 'tier_unknown', expected: [...tiers] }), exchange);
  };
};
