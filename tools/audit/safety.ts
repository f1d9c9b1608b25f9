// What must be true before the first request leaves, and what is about to be sent.
import type { Credentials } from './audit-context.ts';
import { checksNamed } from './checks/index.ts';
import type { BudgetLimits } from './http/budget.ts';
import type { Target } from './http/target.ts';

/** Why the audit may not begin; undefined if it may. */
export const refusal = (target: Target, authorised: boolean): string | undefined =>
  target.loopback || authorised
    ? undefined
    : `${target.url.hostname} is ${target.address}, not this machine. An audit forges tokens and spends quota: run it only ` +
      'against a host whose owner lets you, and say so with --i-am-authorised.';

/** What will be done, before it is done. */
export const plan = (
  target: Target,
  credentials: Credentials,
  limits: BudgetLimits,
  only: readonly string[],
): string => {
  const checks = checksNamed(only);
  const families = Map.groupBy(checks, ({ id }) => id.slice(0, id.indexOf('.')));
  const given = [
    'token',
    credentials.secondToken && 'second token',
    credentials.otherToken && 'other subject’s token',
    credentials.publicKeys.length > 0 && 'public keys',
    credentials.signingKey && 'signing key',
  ].filter(Boolean);
  return [
    `Plan: ${checks.length} checks of ${target.url.href} (${target.address}), and of no other host`,
    ...[...families].map(
      ([family, all]) =>
        `  ${family.padEnd(8)} ${all.map(({ id }) => id.slice(family.length + 1)).join(', ')}`,
    ),
    `  with     ${given.join(', ')}`,
    `  at most  ${limits.maxRequests} requests, ${limits.rate} in any second; the quota of the token's subject will be spent`,
    '',
  ].join('\n');
};
