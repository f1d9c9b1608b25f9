// Check: is what is admitted what is declared, over many connections and whatever worker they reach?
import type { Check } from '../check.ts';
import { countersOf, type Excess, excessOf, undeclaredText } from '../counters.ts';
import { hasWindow } from '../declared.ts';
import { type Limit, limitOf, quotaText, seconds } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { failed, measured, passed } from '../types.ts';

export const declaredCheck: Check = {
  id: 'limits.declared',
  severity: 'high',
  title: 'No more is admitted than is declared, whatever connection it comes on',
  owasp: 'API4:2023',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 3.1; CWE-799',
  why: 'A counter in each worker’s memory multiplies the quota by the number of workers, and nobody sees it.',
  fix: 'Keep the counter where all workers share it, and take a permit in one atomic step.',
  needs: ['limit'],
  requests: 20,
  async run(audit) {
    const limit = await limitOf(audit);
    const told = limit.declared.filter(hasWindow);
    const { several, sprees } = await countersOf(audit);
    const sent =
      'good requests on one connection until it was denied, then each on a connection of its own, then two at once';
    const [first] = sprees;
    const last = sprees.at(-1);
    if (told.length === 0 && several && last !== undefined) return failed(sent, undeclaredText(limit, last));
    if (told.length === 0)
      throw new Inconclusive(
        'the API declares no quota with its window (RateLimit fields, the text of its 429); say what it ought to be with --expect',
      );
    const excesses = sprees.flatMap((one) => excessOf(limit, one) ?? []);
    if (several && excesses.length > 0)
      return failed(sent, excesses.map(excessText).join('; again with a whole quota: '));
    const count = first?.admissions.length ?? 0;
    return passed(
      sent,
      `${count} admitted where ${told.map(quotaText).join(' and ')} are declared (${told[0]?.source})`,
      measured('requests admitted', count, enough(limit)),
    );
  },
};

/** Half of the least that is declared: fewer say nothing of the quota. */
const enough = ({ declared }: Limit): number =>
  Math.max(1, Math.ceil(Math.min(...declared.map(({ quota }) => quota)) / 2));

const excessText = ({ admitted, ms, declared }: Excess): string =>
  `${admitted} admitted in ${seconds(ms)} s where ${quotaText(declared)} are declared (${declared.source})`;
