// One caller as the admin API knows it, and what can be done to it, each with what undoes it.
import type { CallerMinute } from '../src/pulse/recent.ts';
import type { Api, Query } from './api.ts';

export interface Policy {
  readonly name: string;
  readonly algorithm: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

interface Override {
  readonly limits: string;
  readonly since: string;
  readonly until: string;
  readonly reason: string;
}

interface Mark {
  readonly jti: string;
  readonly until: string | null;
}

export interface State {
  readonly issuer?: string;
  readonly subject?: string;
  readonly address?: string;
  readonly kind?: string;
  readonly partition: string | null;
  readonly policies: readonly Policy[];
  readonly override: Override | null;
  readonly revoked: {
    readonly before: string | null;
    readonly until: string | null;
    readonly jtis: readonly Mark[];
  };
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

/** Whom a page is about, as its address says. */
export interface Target {
  /** `subjects`, `addresses` or `partitions`. */
  readonly path: string;
  readonly query: Query;
}

export const targetOf = ([, kind = '', name = '', issuer]: readonly string[]): Target => {
  if (kind === 'address') return { path: 'addresses', query: { address: name } };
  if (kind === 'partition') return { path: 'partitions', query: { partition: name } };
  return { path: 'subjects', query: { subject: name, issuer } };
};

/** A change, and what takes it back; undefined where nothing does. */
export interface Done {
  readonly state: State;
  readonly undo: (() => Promise<State>) | undefined;
}

export class CallerApi {
  readonly #api: Api;
  readonly #target: Target;

  constructor(api: Api, target: Target) {
    this.#api = api;
    this.#target = target;
  }

  look(): Promise<State> {
    return this.#call('GET');
  }

  history(partition: string): Promise<{ readonly history: readonly CallerMinute[] }> {
    return this.#api.call('GET', 'history', { partition });
  }

  async reset(reason: string): Promise<Done> {
    return { state: await this.#call('POST', '/reset', { reason }), undo: undefined };
  }

  async override(before: State, limits: string, until: string, reason: string): Promise<Done> {
    const state = await this.#call('PUT', '/override', {}, { limits, until, reason });
    return { state, undo: () => this.#putBack(before, 'undone') };
  }

  async liftOverride(before: State, reason: string): Promise<Done> {
    const state = await this.#call('DELETE', '/override', { reason });
    return { state, undo: () => this.#putBack(before, 'undone') };
  }

  /** @param mark `{ before: 'now' }` or `{ jti, until }`. */
  async revoke(before: State, mark: Readonly<Record<string, string>>, reason: string): Promise<Done> {
    const state = await this.#call('POST', '/revoke', {}, { ...mark, reason });
    return { state, undo: () => this.#restoreMarks(before) };
  }

  async liftRevocations(before: State, reason: string): Promise<Done> {
    const state = await this.#call('DELETE', '/revoke', { reason });
    return { state, undo: () => this.#restoreMarks(before) };
  }

  #putBack({ override }: State, reason: string): Promise<State> {
    if (override === null) return this.#call('DELETE', '/override', { reason });
    const { limits, until, reason: first } = override;
    return this.#call('PUT', '/override', {}, { limits, until, reason: first });
  }

  /** Lifts every mark, then sets those again that were there before. */
  async #restoreMarks({ revoked }: State): Promise<State> {
    const reason = 'undone';
    let state = await this.#call('DELETE', '/revoke', { reason });
    if (revoked.before !== null)
      state = await this.#call(
        'POST',
        '/revoke',
        {},
        { ...endOf(revoked.until), before: revoked.before, reason },
      );
    for (const { jti, until } of revoked.jtis)
      state = await this.#call('POST', '/revoke', {}, { ...endOf(until), jti, reason });
    return state;
  }

  #call(method: string, verb = '', query: Query = {}, body?: object): Promise<State> {
    return this.#api.call(method, this.#target.path + verb, { ...this.#target.query, ...query }, body);
  }
}

const endOf = (until: string | null) => (until === null ? {} : { until });
