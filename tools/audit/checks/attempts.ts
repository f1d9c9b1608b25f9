// Things that must be refused, sent one by one; the verdict over all of them.
import { type Audit, bearer, isAdmitted, isBroken } from '../audit-context.ts';
import type { Call, Exchange } from '../http/client.ts';
import { Inconclusive } from '../stop.ts';
import { readJwt } from '../tokens/jwt.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';

export interface Attempt {
  readonly what: string;
  readonly call: Call;
}

export const withToken = (what: string, token: string): Attempt => ({
  what,
  call: { headers: [bearer(token)] },
});

export interface Answer extends Attempt {
  readonly exchange: Exchange;
}

/** The answer to each attempt, in order. */
export const answersTo = async (audit: Audit, attempts: readonly Attempt[]): Promise<Answer[]> => {
  const answers: Answer[] = [];
  for (const attempt of attempts) answers.push({ ...attempt, exchange: await audit.attempt(attempt.call) });
  return answers;
};

/** Passed if every attempt is refused, failed if one is admitted. A server error is neither; another check tells of it. */
export const allRefused = async (audit: Audit, attempts: readonly Attempt[]): Promise<Verdict> => {
  const answers = await answersTo(audit, attempts);
  const admitted = answers.filter(({ exchange }) => isAdmitted(exchange));
  if (admitted.length > 0) return failed(listed(attempts), described(admitted));
  const broken = answers.filter(({ exchange }) => isBroken(exchange));
  audit.broken.push(
    ...broken.filter(isWellFormed).map(({ what, exchange }) => ({ what, status: exchange.status })),
  );
  if (broken.length > 0) throw new Inconclusive(`neither admitted nor refused: ${described(broken)}`);
  return refusedAll(answers);
};

/** One Authorization header with a whole JWT in it: what a client with an old or foreign token sends. */
const isWellFormed = ({ call }: Attempt): boolean => {
  const values = (call.headers ?? []).filter(([name]) => name === 'Authorization').map(([, value]) => value);
  return values.length === 1 && readJwt(values[0]?.replace(/^Bearer /, '') ?? '') !== undefined;
};

/** The verdict over answers that are all refusals. */
export const refusedAll = (answers: readonly Answer[]): Verdict => {
  const statuses = answers.map(({ exchange }) => exchange.status);
  const refused = statuses.filter((status) => status >= 300 && status < 500).length;
  return passed(
    listed(answers),
    `all refused: ${tally(statuses)}`,
    measured('attempts refused', refused, Math.max(1, answers.length)),
  );
};

export const listed = (attempts: readonly Attempt[]): string => attempts.map(({ what }) => what).join(', ');

/** `admitted (200) for two parts; 500 for four parts` */
export const described = (answers: readonly Answer[]): string =>
  answers.map(({ what, exchange }) => `${statusText(exchange)} for ${what}`).join('; ');

const statusText = (exchange: Exchange): string =>
  isAdmitted(exchange) ? `admitted (${exchange.status})` : `${exchange.status}`;

/** `401 × 5, 400 × 1` */
export const tally = (statuses: readonly number[]): string => {
  const counts = Map.groupBy(statuses, (status) => status);
  return [...counts].map(([status, all]) => `${status} × ${all.length}`).join(', ');
};
