// Weir's own paths: whatever an origin could read as `/.weir` never reaches it.
import { isOurs } from '../admin/ours.ts';
import { refuseAdmin } from '../admin/refusal.ts';
import { startRefusalDelay } from '../auth/refusal-delay.ts';
import type { Config } from '../config/types.ts';
import type { Step } from './step.ts';

/** The admin API has answered its own paths by now: what arrives here is another spelling of one, and gets its 404. */
export const ownPaths = ({ tokens }: Config): Step =>
  function ownPaths(c, next) {
    return isOurs(c.req.url) ? refuseAdmin(c, startRefusalDelay(tokens.unauthorizedDelayMs)) : next();
  };
