// What a step of Weir is: Hono middleware over a typed `c.var`.
import type { Context, MiddlewareHandler } from 'hono';
import type { Bindings } from '../bindings.ts';
import type { Exchange } from '../exchange.ts';
import type { Identity } from '../identity.ts';

/**
 * What `weir()` sets for the handlers behind it. A route whose `auth` is `optional` or `none` may have no identity: type
 * it `Partial<WeirVariables>` there.
 *
 * @example
 * const app = new Hono<{ Variables: WeirVariables }>();
 * app.get('/me', (c) => c.json({ subject: c.var.identity.subject }));
 */
export interface WeirVariables {
  /** The verified caller. */
  readonly identity: Identity;
}

/** The Hono environment of the steps. */
export interface WeirEnv {
  Bindings: Bindings;
  Variables: {
    /** Unset outside of `weir()` and `limit()`. */
    exchange: Exchange;
    identity: Identity | undefined;
  };
}

export type WeirContext = Context<WeirEnv>;

/** Answers a request, or awaits `next`, which leaves the answer in `c.res`. */
export type Step = MiddlewareHandler<WeirEnv>;

/** A promise of the answer, or of nothing where it is in `c.res`. */
export type Answered = ReturnType<Step>;

/**
 * Composes steps into one middleware, the first outermost. It does so once, where Hono's own `every` composes anew for
 * each request.
 */
export const inOrder = (...steps: readonly Step[]): Step =>
  steps.reduceRight((inner, outer) => around(outer, inner));

const around =
  (outer: Step, inner: Step): Step =>
  (c, next) =>
    outer(c, () => answered(c, inner(c, next)));

/** Does what Hono does with the result of a middleware: it becomes the answer, unless there already is one. */
const answered = async (c: WeirContext, answer: Answered): Promise<void> => {
  const response = await answer;
  if (response && !c.finalized) c.res = response;
};
