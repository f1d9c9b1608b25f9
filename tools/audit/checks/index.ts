// All checks, in the order they are run.
import type { Check } from '../check.ts';
import { leakChecks, oracleCheck } from './leaks.ts';
import { aroundChecks } from './limits-around.ts';
import { ownerChecks } from './limits-owner.ts';
import { raceChecks } from './limits-race.ts';
import { refusedChecks } from './limits-refused.ts';
import { mannerChecks } from './manners.ts';
import { claimChecks } from './tokens-claims.ts';
import { forgedTokenChecks } from './tokens-forged.ts';
import { missingTokenChecks } from './tokens-missing.ts';

/**
 * Tokens come first, while the quota is whole: a forged token that is denied for a spent quota would pass for refused.
 * The flood comes last, since it may shut this address out.
 */
export const checks: readonly Check[] = [
  ...missingTokenChecks,
  ...forgedTokenChecks,
  ...claimChecks,
  ...leakChecks,
  ...ownerChecks,
  ...aroundChecks,
  oracleCheck,
  ...mannerChecks,
  ...raceChecks,
  ...refusedChecks,
];

/** @returns undefined for an id that no check has. */
export const checkById = (id: string): Check | undefined => checks.find((check) => check.id === id);
