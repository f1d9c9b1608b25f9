// All checks, in the order they are run.
import type { Check } from '../check.ts';
import { leakChecks, oracleCheck } from './leaks.ts';
import { aroundChecks } from './limits-around.ts';
import { declaredCheck } from './limits-declared.ts';
import { ownerChecks, tokenChecks } from './limits-owner.ts';
import { raceChecks } from './limits-race.ts';
import { floodChecks, refusedChecks } from './limits-refused.ts';
import { mannerChecks } from './manners.ts';
import { claimChecks } from './tokens-claims.ts';
import { forgedTokenChecks } from './tokens-forged.ts';
import { missingTokenChecks } from './tokens-missing.ts';

/**
 * Tokens come first, while the quota is whole: a forged token that is denied for a spent quota would pass for refused.
 * What is of high severity comes before what is not, since the budget may end. The flood comes last, since it may shut this address out.
 */
export const checks: readonly Check[] = [
  ...missingTokenChecks,
  ...forgedTokenChecks,
  ...claimChecks,
  ...leakChecks,
  ...ownerChecks,
  declaredCheck,
  ...tokenChecks,
  ...aroundChecks,
  ...refusedChecks,
  ...raceChecks,
  oracleCheck,
  ...mannerChecks,
  ...floodChecks,
];

/** A name that no check and no family has. */
export class UnknownCheck extends TypeError {}

/**
 * The checks of these ids or families, in their order; all if there are none.
 * @throws {UnknownCheck} which lists the names there are.
 */
export const checksNamed = (names: readonly string[]): readonly Check[] => {
  const isNamed = (name: string) => (check: Check) => check.id === name || check.id.startsWith(`${name}.`);
  const unknown = names.filter((name) => !checks.some(isNamed(name)));
  if (unknown.length > 0) throw new UnknownCheck(unknownText(unknown));
  return checks.filter((check) => names.length === 0 || names.some((name) => isNamed(name)(check)));
};

const unknownText = (unknown: readonly string[]): string => {
  const families = [...new Set(checks.map(({ id }) => id.slice(0, id.indexOf('.'))))];
  const ids = checks.map(({ id }) => id).join(', ');
  return `no check or family is called ${unknown.map((name) => `"${name}"`).join(', ')}; families: ${families.join(', ')}; checks: ${ids}`;
};

/** @returns undefined for an id that no check has. */
export const checkById = (id: string): Check | undefined => checks.find((check) => check.id === id);
