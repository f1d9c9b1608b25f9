// No praise without evidence: what a check calls passed is passed only if it was measured. Pure.
import { type Evidence, skipped, type Verdict } from './types.ts';

/** The verdict, or an inconclusive one in place of a `passed` that nothing, or too little, was measured for. */
export const accepted = (verdict: Verdict): Verdict => {
  if (verdict.outcome !== 'passed') return verdict;
  const gap = gapIn(verdict.evidence);
  return gap === undefined
    ? verdict
    : {
        ...skipped(`inconclusive: ${gap} (${verdict.seen})`),
        sent: verdict.sent,
        evidence: verdict.evidence,
      };
};

const gapIn = (evidence: readonly Evidence[]): string | undefined => {
  if (evidence.length === 0) return 'nothing was measured';
  const short = evidence.find(({ count, least }) => !(Number.isFinite(count) && count >= least));
  return short && `${short.what}: ${short.count}, where ${short.least} would show something`;
};
