// Things that must be refused, sent one by one; the verdict over all of them.
import { type Audit, bearer, isAdmitted } from '../audit-context.ts';
import type { Call, Exchange } from '../http/client.ts';
import { failed, passed, type Verdict } from '../types.ts';

export interface Attempt {
  readonly what: string;
  readonly call: Call;
}

export const withToken = (what: string, token: string): Attempt => ({
  what,
  call: { headers: [bearer(token)] },
});

/** Passed if every attempt is refused; failed if one is admitted or breaks the API. */
export const allRefused = async (audit: Audit, attempts: readonly Attempt[]): Promise<Verdict> => {
  const sent = attempts.map(({ what }) => what).join(', ');
  const answers: (Attempt & { exchange: Exchange })[] = [];
  for (const attempt of attempts) answers.push({ ...attempt, exchange: await audit.attempt(attempt.call) });
  const wrong = answers.filter(({ exchange }) => isAdmitted(exchange) || exchange.status >= 500);
  if (wrong.length === 0)
    return passed(sent, `all refused: ${tally(answers.map(({ exchange }) => exchange.status))}`);
  return failed(sent, wrong.map(({ what, exchange }) => `${describe(exchange)} for ${what}`).join('; '));
};

const describe = (exchange: Exchange): string =>
  isAdmitted(exchange) ? `admitted (${exchange.status})` : `${exchange.status}`;

/** `401 × 5, 400 × 1` */
export const tally = (statuses: readonly number[]): string => {
  const counts = Map.groupBy(statuses, (status) => status);
  return [...counts].map(([status, all]) => `${status} × ${all.length}`).join(', ');
};
