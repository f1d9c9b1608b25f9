// What a request has really cost, once its answer is known: `count` and `cost_header`. Pure.
import type { Route } from '../config/types.ts';

/** What is known of an answer. */
export interface Answered {
  readonly status: number;
  /** It is our own, for an origin that could not be reached or was too slow. */
  readonly failed: boolean;
  /** The response field of this name; null where there is none. */
  readonly header: (name: string) => string | null;
}

/** The routes that a route combines, or itself. */
export const membersOf = (route: Route): readonly Route[] => route.members ?? [route];

/** Whether what a request on a route costs is known only after its answer. */
export const isCostTold = (route: Route): boolean => {
  const members = membersOf(route);
  return (
    members.every(({ count }) => count !== undefined) ||
    members.some(({ costHeader }) => costHeader !== undefined)
  );
};

/** Response fields that tell a cost, and are for nobody else. */
export const costHeadersOf = (route: Route): readonly string[] =>
  membersOf(route).flatMap(({ costHeader }) => costHeader ?? []);

/** Permits that a request has spent, where it was charged `cost`: the most that any of its routes says. */
export const realCost = (route: Route, cost: number, answered: Answered): number =>
  Math.max(...membersOf(route).map((member) => costOn(member, cost, answered)));

const costOn = ({ count, costHeader }: Route, cost: number, { status, failed, header }: Answered): number => {
  const spends = count === undefined ? !failed : isCounted(count, status);
  if (!spends) return 0;
  return (costHeader === undefined ? undefined : numberIn(header(costHeader))) ?? cost;
};

/** @param patterns such as `401` and `5xx`. */
export const isCounted = (patterns: readonly string[], status: number): boolean =>
  patterns.includes(String(status)) || patterns.includes(`${Math.floor(status / 100)}xx`);

/** Rounded up. What is not one number, or is one that no quota has, counts as not told. */
const numberIn = (text: string | null): number | undefined =>
  text !== null && /^\d{1,15}(\.\d{1,15})?$/.test(text.trim()) ? Math.ceil(Number(text)) : undefined;
