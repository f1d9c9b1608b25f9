// Counts by label, and rankings of partitions: what there is of each, declared once for isolate, object, metrics and console.
import type { Outcome } from '../report/outcomes.ts';
import type { Finished } from './finished.ts';

interface Family {
  readonly labels: readonly [string, string?];
  /** What one count is, as `HELP` of the metric. */
  readonly help: string;
  /** The labels of a request; undefined where it does not count. */
  readonly of: (finished: Finished) => readonly [string, string?] | undefined;
}

const family = (declared: Family): Family => declared;

/** Reasons are codes of ours; what an uncaught error says is not, and could be anything. */
const codeOf = (reason: string | undefined, outcome: Outcome): string =>
  reason !== undefined && /^[a-z_]{1,40}$/.test(reason) ? reason : outcome;

/** Labelled counters. Every label has few values: names from the configuration, codes, statuses, data centres. */
export const FAMILIES = {
  requests: family({
    labels: ['route', 'outcome'],
    help: 'Requests by route and what became of them.',
    of: ({ route, outcome }) => [route, outcome],
  }),
  responses: family({
    labels: ['status'],
    help: 'Responses by status, the origin’s own among them.',
    of: ({ status }) => [String(status)],
  }),
  tier_requests: family({
    labels: ['tier', 'outcome'],
    help: 'Requests by tier and what became of them.',
    of: ({ tier, outcome }) => [tier, outcome],
  }),
  colo_requests: family({
    labels: ['colo', 'outcome'],
    help: 'Requests by data centre and what became of them.',
    of: ({ colo, outcome }) => [colo, outcome],
  }),
  denials: family({
    labels: ['policy', 'mode'],
    help: 'Denied requests by the policies that denied; in shadow mode they passed.',
    of: ({ outcome, policy, shadow }) =>
      outcome === 'denied' ? [policy ?? '', shadow ? 'shadow' : 'enforce'] : undefined,
  }),
  refusals: family({
    labels: ['outcome', 'reason'],
    help: 'Requests that were refused or failed, by the reason in the log.',
    of: ({ outcome, reason }) =>
      outcome === 'forwarded' || outcome === 'near_limit' ? undefined : [outcome, codeOf(reason, outcome)],
  }),
  limiter_failures: family({
    labels: ['reason', 'failure_policy'],
    help: 'Requests whose Limiter did not answer, by why and by which failure policy decided.',
    of: ({ limiterError, reason }) =>
      limiterError === undefined ? undefined : [codeOf(reason, 'limiter_error'), limiterError],
  }),
} as const;

export type FamilyName = keyof typeof FAMILIES;

export const FAMILY_NAMES = Object.keys(FAMILIES) as FamilyName[];

/** Which requests count in a ranking of partitions. */
export const RANKINGS = {
  requests: () => true,
  denied: ({ outcome }) => outcome === 'denied',
  near: ({ outcome }) => outcome === 'near_limit',
  unusual: ({ outcome, reason }) => outcome === 'abnormal' && reason === 'unusual_use',
  unauthorized: ({ outcome, reason }) => outcome === 'unauthorized' || reason === 'auth_failures',
} as const satisfies Record<string, (finished: Finished) => boolean>;

export type RankingName = keyof typeof RANKINGS;

export const RANKING_NAMES = Object.keys(RANKINGS) as RankingName[];

/** A table with a value for each family. */
export const perFamily = <T>(make: (name: FamilyName) => T): Record<FamilyName, T> =>
  Object.fromEntries(FAMILY_NAMES.map((name) => [name, make(name)])) as Record<FamilyName, T>;

/** A table with a value for each ranking. */
export const perRanking = <T>(make: (name: RankingName) => T): Record<RankingName, T> =>
  Object.fromEntries(RANKING_NAMES.map((name) => [name, make(name)])) as Record<RankingName, T>;
