// A check: a question put to the API, and how it is answered.
import type { Audit } from './audit-context.ts';
import type { Question, Verdict } from './types.ts';

export interface Check extends Question {
  /** Asks the API. Throws an `Inconclusive` where no answer can be had. */
  run(audit: Audit): Promise<Verdict>;
}
