// A request that waits for a permit, what it is told, and what becomes of what it was granted. Plain data and functions of
// it; no clock, no I/O.
import type { Decision } from '../limiter/arithmetic.ts';
import type { Policy } from '../limiter/policy.ts';
import type { TokenClaims } from '../limiter/standing.ts';
import type { Grant } from './grant.ts';

/** What the Limiter said of a partition. */
export interface Said {
  readonly decisions: readonly Decision[];
  /** When it was asked. */
  readonly decidedAt: number;
  /** What was decided about, where that is not what was asked; an override is in force. */
  readonly policies: readonly Policy[] | undefined;
}

interface Granted {
  readonly kind: 'granted';
  readonly grant: Grant;
  /** Of one that waited for it, until it is decided. */
  readonly waiter?: Waiter;
}

/** Only what may come back is in its way, and that can have come back by `until`. */
export interface Obstructed {
  readonly kind: 'obstructed';
  readonly until: number;
  /** By requests that tell after their answer what they spent: it may be worth waiting for as long as one may take. */
  readonly held: boolean;
  readonly said: Said;
}

/** What a waiting request is told. */
export type Answer =
  | Granted
  | Obstructed
  | { readonly kind: 'denied'; readonly said: Said }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It is to ask for all that wait, and waits on. */
  | { readonly kind: 'ask' };

/**
 * A request that waits. Once it is decided the request itself says that it has `taken` its permit: of one that was dropped
 * before, it is given back.
 */
export interface Waiter {
  state: 'waiting' | 'asked' | 'granted' | 'taken' | 'left' | 'gone';
  readonly token: TokenClaims | undefined;
  readonly tell: (answer: Answer) => void;
  /** How often it was asked for in vain, and asked for again. */
  rejoined?: number;
  /** What it was granted of the share, which is not the Limiter's to take back. */
  within?: Grant;
}

/** Nobody asks for it yet. */
export const isWaiting = ({ state }: Waiter): boolean => state === 'waiting';

/** An ask that is for it is under way. */
export const isAsked = ({ state }: Waiter): boolean => state === 'asked';

/** Its client has left: it is not served, and what it was granted goes back. */
export const leave = (waiter: Waiter): void => {
  if (waiter.state === 'granted') waiter.state = 'left';
  else if (waiter.state !== 'taken') waiter.state = 'gone';
};

/** Whether what was granted may still be taken: it is not given back yet, and a lease lives. */
export const isOpen = ({ waiter, grant }: Granted, now: number): boolean =>
  waiter === undefined || (waiter.state === 'granted' && !(grant.leased && now >= grant.expires));

/** Takes what was granted, for good. */
export const accept = ({ waiter }: Granted): void => {
  if (waiter !== undefined) waiter.state = 'taken';
};

/** Whether it has a permit that it may yet take. */
export const isUndecided = ({ state }: Waiter): boolean => state === 'granted';

const isLeft = (state: Waiter['state']): boolean => state === 'granted' || state === 'left';

/** Takes back what those were served by the share that never took it. */
export const reclaimWithin = (waiters: readonly Waiter[]): Grant[] =>
  waiters.flatMap((waiter) => {
    if (waiter.within === undefined || !isLeft(waiter.state)) return [];
    waiter.state = 'gone';
    return [waiter.within];
  });

/** Takes back what those were granted that never took it; says how many. */
export const reclaim = (waiters: readonly Waiter[]): number => {
  const left = waiters.filter(({ state, within }) => isLeft(state) && within === undefined);
  for (const waiter of left) waiter.state = 'gone';
  return left.length;
};
