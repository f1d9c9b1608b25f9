// What a pipeline is made of.
import type { Context } from 'hono';
import type { Env } from './env.ts';

export type Handler = (c: Context<Env>) => Response | Promise<Response>;

/** Answers a request, or has it answered by what comes next. */
export type Step = (c: Context<Env>, next: Handler) => Response | Promise<Response>;

/**
 * Steps as one handler, the first outermost. They are put together once; Hono's `compose` does it anew for each
 * request, with promises in between.
 */
export const inOrder = (steps: readonly Step[]): Handler =>
  steps.reduceRight<Handler>((next, step) => (c) => step(c, next), unanswered);

const unanswered: Handler = () => {
  throw new Error('no step answers');
};
