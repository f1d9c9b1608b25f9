// What a pipeline is made of.
import type { Exchange } from './exchange.ts';

export type Handler = (exchange: Exchange) => Response | Promise<Response>;

/** Answers a request, or has it answered by what comes next. */
export type Step = (exchange: Exchange, next: Handler) => Response | Promise<Response>;

/** Steps as one handler, the first outermost; put together once, so that a request pays for no composing. */
export const inOrder = (steps: readonly Step[]): Handler =>
  steps.reduceRight<Handler>((next, step) => (exchange) => step(exchange, next), unanswered);

const unanswered: Handler = () => {
  throw new Error('no step answers');
};
