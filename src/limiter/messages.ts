// What isolates and Limiters say to each other. Old and new code meet during a deploy, so members are only ever added,
// and each says what its absence means. A message of a version to come is read by what is known of it, on the strict side.
import type { Decision, ShareRequest } from './arithmetic.ts';
import type { Policy, SlotPolicy } from './policy.ts';
import type { Marks, TokenClaims } from './standing.ts';

/** Raised only where a known member changes its meaning. */
export const VERSION = 1;

/**
 * How long a lease lives where an ask does not say, and at most; counted by the isolate from when it asked and by the
 * Limiter from when it granted.
 */
export const LEASE_MS = 1_000;
export const MAX_LEASE_MS = 10_000;

/** A denial is kept in an isolate for at most this long. */
export const DENIAL_MS = 10_000;

/** Asks for a share, or renews one, or with no permits gives it back. */
export interface ShareAsk {
  /** Chosen by the isolate and kept as long as it has the history of the share. */
  readonly name: string;
  /** Rises with every ask for this share: one that was overtaken by a later one changes nothing. */
  readonly order: number;
  /** One for each policy that is to be lent by rate. */
  readonly wishes: readonly ShareRequest[];
  /** Requests of grants that the isolate counts as uses of the share from now on; told once. Absent: none. */
  readonly adopted?: readonly Adopted[] | undefined;
}

/** Requests that were granted by themselves and used, whose charge may move into the asker's share. */
export interface Adopted {
  readonly grant: string;
  readonly requests: number;
}

/** What was lent of a share. */
export interface LentShare {
  /** Permits in every window, in the order of the wishes. */
  readonly permits: readonly number[];
  /** How long they may be used, from when the asker asked. */
  readonly lifeMs: number;
  /** The Limiter's clock, milliseconds since the epoch: for isolates of earlier versions, which count by it. */
  readonly at: number;
  /** How many of the requests that wait it is to serve; all or none. Absent: none. */
  readonly within?: number | undefined;
  /** Requests under the other policies, to be made within the share. Absent: there are no others. */
  readonly ahead?: { readonly grant: string; readonly requests: number; readonly lifeMs: number } | undefined;
}

export interface Ask {
  readonly version: number;
  /** Every policy of this partition that applies; all are spent or none. */
  readonly policies: readonly Policy[];
  /** Permits one request spends. */
  readonly cost: number;
  /** Whether the partition's own policies apply, though there may be none: an override stands in their place. */
  readonly own?: boolean | undefined;
  /** Requests to grant at most: those that wait, and those to lend permits for ahead. */
  readonly want: number;
  /** How many of them wait, and are granted whatever is free. Absent: one, or none where `want` is 0. */
  readonly waiting?: number | undefined;
  /** Whether the asker may give this back: the grant gets a name. */
  readonly returnable: boolean;
  /** For so long another partition may still deny those that wait: their permits are on loan. Absent: none may. */
  readonly undecidedMs?: number | undefined;
  /**
   * Those that wait tell what they spent after their answer, within so long, milliseconds: until a `Settlement` of each or
   * the end of it their permits may come back. Absent: what they cost is spent.
   */
  readonly holdMs?: number | undefined;
  /** Grants of which nothing will come back any more. */
  readonly spent?: readonly string[] | undefined;
  /** The asker's own share: only others' are in its way. Absent: it has none. */
  readonly holder?: string | undefined;
  /** Absent: no share is asked for. `want` beyond `waiting` is then for the policies that are not lent by rate. */
  readonly share?: ShareAsk | undefined;
  /** Unused permits of grants that have ended. Absent: none. */
  readonly returns?: readonly Return[] | undefined;
  /** How long a lease lives, milliseconds. Absent: `LEASE_MS`. */
  readonly leaseMs?: number | undefined;
  /** The token of the requests that ask: nothing is spent for a revoked one. */
  readonly token?: TokenClaims | undefined;
  /** Absent: use is not watched. */
  readonly watch?: Watch | undefined;
}

/** What the Limiter needs to tell unusual use. */
interface Watch {
  /** How many times a subject's moving average is unusual. */
  readonly factor: number;
  /** Whether to deny what is unusual, or only to report it. */
  readonly deny: boolean;
  /** Requests that this isolate has had since it asked last, the one that asks among them. */
  readonly uses: number;
}

/** Use is unusual. */
export interface Abnormal {
  readonly denied: boolean;
  /** Told once a minute. */
  readonly report: boolean;
  /** Milliseconds until use is no longer unusual if no more requests come. */
  readonly calmsInMs: number;
}

export interface Reply {
  readonly version: number;
  /** Requests granted: 0 when denied. Those that wait come first. */
  readonly granted: number;
  /** One for each policy of the ask, in its order. Of a request that was denied, if any was. */
  readonly decisions: readonly Decision[];
  /** Where not all that wait were granted: how long the rest is denied, whatever is returned meanwhile. 0 otherwise. */
  readonly keepMs: number;
  /** For a grant: how long the permits may be used, from when the asker asked. */
  readonly lifeMs: number;
  /** Names the grant in a `Return`; empty when not returnable. */
  readonly grant: string;
  /**
   * Whether the permits were charged at the end of their life, so that any request may use them until then; else they were
   * charged when they were granted, and are for requests that waited already. Absent: charged so if more than one.
   */
  readonly leased?: boolean | undefined;
  /** Absent: no share was lent or renewed. */
  readonly share?: LentShare | undefined;
  /** What obstructs the requests that were not granted, where that is only loans. */
  readonly loans?: Loans | undefined;
  /** Revocation marks in force. */
  readonly marks?: Marks | undefined;
  /** With an override in force: the policies that were really applied, which `decisions` are of. */
  readonly policies?: readonly Policy[];
  readonly abnormal?: Abnormal;
}

/** Permits that others hold and may give back. */
export interface Loans {
  /** Requests that may pass once they are back, at most. */
  readonly requests: number;
  /** Milliseconds until the next of them can have come back. */
  readonly backMs: number;
  /**
   * Some are of requests that tell after their answer what they spent: they may come back at any moment, and again and
   * again. Whoever waits asks again after `backMs`, for as long as such a request may take. Absent: none are.
   */
  readonly held?: boolean | undefined;
}

/** Unused permits of one grant. Sent at most once. */
export interface Return {
  readonly version: number;
  readonly grant: string;
  /** Requests of the grant that were not used. */
  readonly unused: number;
  /** Tells returns of one grant apart: each counts once. Absent: the only one. */
  readonly part?: number | undefined;
  /** A share that has ended, unused in part. Absent: none. */
  readonly share?: ShareAsk | undefined;
}

/** What one request has spent in the end. Sent at most once. */
export interface Settlement {
  readonly version: number;
  /** The grant's name. */
  readonly grant: string;
  /** Tells settlements and returns of one grant apart: each counts once. */
  readonly part: number;
  /** Permits of each policy: of fewer than it cost the rest comes back, more than it cost is a debt from now on. */
  readonly used: number;
  /** The policies that it was granted under and what it cost, for a Limiter that has forgotten. Absent: nothing is done then. */
  readonly policies?: readonly Policy[] | undefined;
  readonly cost?: number | undefined;
}

/** Grants nothing. */
export const denial = (decisions: readonly Decision[], keepMs: number): Reply => ({
  version: VERSION,
  granted: 0,
  lifeMs: 0,
  grant: '',
  decisions,
  keepMs,
});

/** Asks for slots of one partition: one of every policy for each of these requests. */
export interface SlotAsk {
  readonly version: number;
  readonly policies: readonly SlotPolicy[];
  /** Chosen by the asker, a name for each request; the first ones get slots first. */
  readonly names: readonly string[];
  /** How long the asker waits for the first slot, where none is free; it may wait for less. */
  readonly waitMs: number;
}

export interface SlotReply {
  readonly version: number;
  /** How many of the names have slots now. 0: none came free in time. */
  readonly lent: number;
  /** Slots that are left, one for each policy of the ask. */
  readonly free: readonly number[];
  /** The partition is exempt: no slots are taken, and there is nothing to give back. Absent: it is not. */
  readonly exempt?: boolean;
}

/** Tells of slots that an isolate has. */
export interface SlotNote {
  readonly version: number;
  readonly policies: readonly SlotPolicy[];
  /** Of requests that are in flight still. Absent: none is told of. */
  readonly held?: readonly string[];
  /** Of requests that have ended, each told once. Absent: none is told of. */
  readonly ended?: readonly string[];
}
