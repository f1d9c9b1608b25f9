// An isolate's asks of the Limiters and its returns to them, all in the background: what comes of an ask belongs to the
// lease, whatever becomes of the request that happened to make it.
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import type { Identity } from '../identity.ts';
import { type Ask, VERSION } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { TokenClaims } from '../limiter/standing.ts';
import { join, passOn, startAsking } from './asking.ts';
import { LimiterClient } from './client.ts';
import type { Grant } from './grant.ts';
import { type Asking, endGrant, endShareIfOver, noteReturned, putBack, unnoteSpent } from './lease.ts';
import { LimiterError } from './limiter-error.ts';
import type { Holding } from './outcome.ts';
import { fail, settle, settleLent } from './settle.ts';
import { isLent, putBackShare } from './share.ts';
import { noteSingles } from './singles.ts';
import { type Answer, isUndecided, leave, reclaim, reclaimWithin, type Waiter } from './waiter.ts';
import { Bell, LOST_MS } from './waiting.ts';

/** A partition without policies needs no permits: one answer serves a lease's whole life. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** So often it is looked whether those that were granted a permit have left. */
const SWEEP_EVERY_MS = 250;

/** How long one partition's permit counts as lent while others are asked, and while a slot is waited for. */
const UNDECIDED_MS = 250;
const UNDECIDED_WITHOUT_SLOT_MS = 750;

/** What permits need of a request. */
export interface Asker {
  readonly env: Bindings;
  /** Undefined for an anonymous caller. */
  readonly identity: Identity | undefined;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** Keeps the isolate awake until `work` is done, whatever becomes of the request. */
  waitUntil(work: Promise<unknown>): void;
}

/** What a request spent of each of these policies. */
interface Spent {
  readonly policies: readonly Policy[];
  readonly used: number;
}

/** Asks for those that wait, hands out what comes of it, and gives back what nobody takes. */
export class Asks {
  readonly #client: LimiterClient;
  readonly #config: Config;
  /** Milliseconds until an ask is counted as lost. */
  readonly #timeoutMs: number;

  constructor(config: Config) {
    this.#client = new LimiterClient(config);
    this.#config = config;
    this.#timeoutMs = config.limiterTimeoutMs + LOST_MS;
  }

  /**
   * Waits for a permit.
   * @param alone no other partition decides on this request, nor whether a slot is free.
   */
  async wait(asker: Asker, holding: Holding, alone: boolean): Promise<Answer> {
    let answer: Answer | undefined;
    const bell = new Bell();
    const waiter: Waiter = {
      state: 'waiting',
      token: tokenOf(asker, holding),
      tell(told) {
        answer = told;
        bell.ring();
      },
    };
    const { signal } = asker;
    if (signal.aborted || !join(holding, waiter)) return { kind: 'denied', said: holding.said };
    const depart = (): void => {
      leave(waiter);
      bell.ring();
    };
    signal.addEventListener('abort', depart, { once: true });
    for (const end = Date.now() + 2 * this.#timeoutMs; Date.now() < end; ) {
      const rung = bell.rung();
      if (waiter.state === 'waiting') this.ask(asker, holding, alone);
      await rung;
      const told: Answer | undefined = answer;
      answer = undefined;
      if (told !== undefined && told.kind !== 'ask') return told;
      // Nobody tells a request whose client has left.
      if (signal.aborted) return { kind: 'denied', said: holding.said };
    }
    leave(waiter);
    return { kind: 'failed', error: new LimiterError('limiter_timeout') };
  }

  /** Asks for all that wait and, of a hot caller, for those to come. */
  ask(asker: Asker, holding: Holding, alone: boolean): void {
    const { leases, leaseMs } = this.#config;
    const { leasable } = holding.plan;
    const terms = { leasable, leaseMs, shared: leases !== 'off', timeoutMs: this.#timeoutMs };
    const asking = startAsking(holding, Date.now(), terms);
    if (asking !== undefined) asker.waitUntil(this.#fetch(asker, holding, asking, alone));
  }

  /** A permit goes back to where it came from: the lease while it lives, else the Limiter, together with others. */
  release(asker: Asker, holding: Holding, grant: Grant): void {
    if (grant.taken !== undefined) {
      const { use, beside } = grant.taken;
      if (holding.share !== undefined) putBackShare(holding.share, use);
      if (beside !== undefined) this.release(asker, holding, beside);
      return;
    }
    if (!noteReturned(holding, grant)) return;
    unnoteSpent(holding, grant);
    if (grant.leased && Date.now() < grant.expires) putBack(holding, grant);
    else if (++grant.returning === 1)
      asker.waitUntil(scheduler.wait(0).then(() => this.#return(asker, holding, grant)));
  }

  /** What a request spent in the end: a lease or a share that lives has the permit back, else the Limiter is told. */
  settle(asker: Asker, holding: Holding, grant: Grant, { policies, used }: Spent): void {
    const { share } = holding;
    if (grant.taken !== undefined && share !== undefined) {
      const { use, beside } = grant.taken;
      const byNumber = policies.filter(({ counter }) =>
        share.policies.every((one) => one.counter !== counter),
      );
      putBackShare(share, use);
      if (beside !== undefined) this.settle(asker, holding, beside, { policies: byNumber, used });
    } else if (grant.leased && Date.now() < grant.expires) this.release(asker, holding, grant);
    else if (grant.name !== '') this.#tell(asker, holding, grant, { policies, used });
  }

  #tell(asker: Asker, { plan, partition }: Holding, grant: Grant, { policies, used }: Spent): void {
    const part = grant.returns++;
    const told = { version: VERSION, grant: grant.name, part, used, policies, cost: plan.cost };
    asker.waitUntil(this.#client.settle(asker.env, partition, told));
  }

  async #fetch(asker: Asker, holding: Holding, asking: Asking, alone: boolean): Promise<void> {
    const ask = this.#askOf(asker, holding, asking, alone);
    const background = (work: Promise<void>) => asker.waitUntil(work);
    const reply = await this.#client
      .consume(asker.env, holding.partition, ask, background)
      .catch((error: unknown) => fail(holding, asking, error));
    const lent = reply ? settleLent(holding, asking, reply, Date.now()) : undefined;
    const grant = reply && settle(holding, asking, reply);
    passOn(holding);
    if (lent?.served.length) asker.waitUntil(this.#releaseUndecided(asker, holding, lent.served, alone));
    if (reply?.share !== undefined) asker.waitUntil(this.#endShareInTime(asker, holding, lent?.beside));
    else if (asking.share !== undefined) asker.waitUntil(this.#endShare(asker, holding));
    if (grant === undefined || grant.name === '') return;
    if (grant.leased) await scheduler.wait(Math.max(0, grant.expires - Date.now()));
    else await this.#untilDecided(asking.waiters, alone);
    const unused = endGrant(holding, grant) + reclaim(asking.waiters);
    grant.returned += unused;
    grant.returning += unused;
    if (!grant.leased) noteSingles(holding, grant, Date.now());
    await this.#return(asker, holding, grant);
  }

  /** What the share served and nobody took is put back. */
  async #releaseUndecided(
    asker: Asker,
    holding: Holding,
    served: readonly Waiter[],
    alone: boolean,
  ): Promise<void> {
    await this.#untilDecided(served, alone);
    for (const grant of reclaimWithin(served)) this.release(asker, holding, grant);
  }

  /** What is lent is given back when it is over: the share, and requests of the policies `beside` it. */
  async #endShareInTime(asker: Asker, holding: Holding, beside: Grant | undefined): Promise<void> {
    await scheduler.wait(Math.max(0, (holding.share?.expires ?? 0) - Date.now()));
    const unused = beside === undefined ? 0 : endGrant(holding, beside) + beside.returning;
    if (beside !== undefined && unused > 0)
      holding.returns.push({ version: VERSION, grant: beside.name, unused, part: beside.returns });
    await this.#endShare(asker, holding);
  }

  /** Once a share is over that nobody renews, gives it back; of one that is renewed, the next ask tells what is left. */
  async #endShare(asker: Asker, holding: Holding): Promise<void> {
    endShareIfOver(holding, Date.now());
    // Whoever asks now takes it along.
    await scheduler.wait(0);
    if (holding.share === undefined || isLent(holding.share)) return;
    const { returns } = holding;
    holding.returns = [];
    await Promise.all(returns.map((each) => this.#client.giveBack(asker.env, holding.partition, each)));
  }

  /** Until all that were granted a permit have been decided or have left; one that was dropped has until then. */
  async #untilDecided(waiters: readonly Waiter[], alone: boolean): Promise<void> {
    const end = Date.now() + (alone ? SWEEP_EVERY_MS : 2 * this.#timeoutMs);
    await scheduler.wait(0);
    while (waiters.some(isUndecided) && Date.now() < end) await scheduler.wait(SWEEP_EVERY_MS);
  }

  #askOf(
    asker: Asker,
    holding: Holding,
    { waiters, ahead, holder, share, spent, returns }: Asking,
    alone: boolean,
  ): Ask {
    const { plan, uses } = holding;
    const isUnlimited = plan.policies.length === 0;
    holding.uses = 0;
    const { abnormal } = this.#config;
    const isWatched = plan.kind === 'subject' && asker.identity !== undefined;
    return {
      version: VERSION,
      policies: plan.policies,
      cost: plan.cost,
      own: plan.own,
      want: isUnlimited ? UNLIMITED : waiters.length + ahead,
      waiting: waiters.length,
      returnable: !isUnlimited,
      undecidedMs: alone ? undefined : plan.awaitsSlot ? UNDECIDED_WITHOUT_SLOT_MS : UNDECIDED_MS,
      holdMs: plan.holdMs,
      spent: spent.length === 0 ? undefined : spent,
      holder,
      share,
      returns: returns.length === 0 ? undefined : returns,
      leaseMs: this.#config.leaseMs,
      token: commonToken(waiters, tokenOf(asker, holding)),
      watch: isWatched
        ? abnormal && { factor: abnormal.factor, deny: abnormal.action === 'deny', uses }
        : undefined,
    };
  }

  async #return({ env }: Asker, { partition }: Holding, grant: Grant): Promise<void> {
    const unused = grant.returning;
    grant.returning = 0;
    if (unused === 0 || grant.name === '') return;
    const part = grant.returns++;
    await this.#client.giveBack(env, partition, { version: VERSION, grant: grant.name, unused, part });
  }
}

/** Only subjects have tokens to revoke. */
const tokenOf = ({ identity }: Asker, { plan }: Holding): TokenClaims | undefined =>
  plan.kind === 'subject' && identity !== undefined ? { jti: identity.jti, iat: identity.iat } : undefined;

/** The token of all that wait; undefined where they differ: each request's own is compared with the marks anyway. */
const commonToken = (waiters: readonly Waiter[], own: TokenClaims | undefined): TokenClaims | undefined => {
  const [first = own, ...others] = waiters.map(({ token }) => token);
  return others.every((token) => token?.jti === first?.jti && token?.iat === first?.iat) ? first : undefined;
};
