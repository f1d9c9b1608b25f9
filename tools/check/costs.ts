// Traps of routes whose requests tell what they cost only after their answer: `count` and `cost_header`.
import type { Config, Route } from '../../src/config/types.ts';
import { isCostTold, isCounted } from '../../src/quota/real-cost.ts';
import { type Finding, warning } from './finding.ts';

export const costFindings = (config: Config): readonly Finding[] => [
  ...config.routes
    .filter(areGuessesFree)
    .map(({ name }) =>
      warning(
        'guesses-free',
        `\`${name}\` is open to everybody, and answers of 401 and 403 spend nothing there: whoever guesses a password is never refused.`,
        'Add "401" and "403" to its `count`.',
      ),
    ),
  ...config.routes
    .filter(isCostUnheld)
    .map(({ name, costHeader }) =>
      warning(
        'cost-untold',
        `Until its answer a request on \`${name}\` counts 1, whatever ${costHeader} then tells: so many may be under way at once as permits are left.`,
        'Give the route the `cost` of an ordinary answer: what an answer cost less comes back.',
      ),
    ),
  ...config.routes
    .filter((route) => config.policies.global.length > 0 && isCostTold(route))
    .map(({ name }) =>
      warning(
        'global-settled',
        `Each request on \`${name}\` asks the one object of all callers and tells it what it cost: that object serves about 1,000 messages a second.`,
        'Leave `count` and `cost_header` to routes with few requests, or GLOBAL_LIMITS away.',
      ),
    ),
];

const areGuessesFree = ({ auth, count }: Route): boolean =>
  auth !== 'required' && count !== undefined && !isCounted(count, 401) && !isCounted(count, 403);

const isCostUnheld = ({ costHeader, cost }: Route): boolean => costHeader !== undefined && cost === 1;
