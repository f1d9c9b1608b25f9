// Bindings of an isolate whose Limiters are those of a test.
import type { Bindings } from '../../../src/bindings.ts';

/** @param limiterOf the Limiter of a name. */
export const bindingsOf = (limiterOf: (name: string) => unknown): Bindings =>
  ({ LIMITER: { idFromName: (name: string) => name, get: limiterOf } }) as unknown as Bindings;
