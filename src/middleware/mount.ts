// How a step gets its configuration: from the mount's options and the vars that come with the first request.
import type { Bindings } from '../bindings.ts';
import { type ConfigSource, configSource, type WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { internalError } from '../problem.ts';
import { log } from '../report/log.ts';
import type { Step } from './step.ts';

/** Makes a step from a valid configuration. @throws {Error} that names a missing binding. */
type Make = (config: Config, env: Bindings) => Step;

/**
 * A step that is made from the configuration on an isolate's first request: vars cannot change while an isolate lives.
 * Under a broken configuration it answers every request with 500, and the log names every var at fault.
 *
 * @param tokens whether the step verifies tokens; if not, it needs no keys.
 */
export const mounted = (options: WeirOptions, make: Make, tokens = true): Step => {
  const configOf = configSource(options, tokens);
  let step: Step | undefined;
  return function mounted(c, next) {
    step ??= started(configOf, c.env, make);
    return step(c, next);
  };
};

const started = (configOf: ConfigSource, env: Bindings, make: Make): Step => {
  try {
    return make(configOf(env), env);
  } catch (error) {
    return misconfigured(error);
  }
};

const misconfigured = (error: unknown): Step =>
  async function misconfigured(c) {
    log(() => ({ outcome: 'misconfigured', reason: String(error) }), c.executionCtx);
    return internalError();
  };

/** @throws {Error} if no Durable Object to count in is bound. */
export const checkBindings = ({ LIMITER }: Bindings): void => {
  if (LIMITER === undefined)
    throw new Error('`LIMITER`: expected a Durable Object binding of the class `Limiter`, got nothing');
};
