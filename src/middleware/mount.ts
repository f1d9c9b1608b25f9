// How a step gets its configuration: from the mount's options and the vars that come with the first request.
import type { Bindings } from '../bindings.ts';
import { type ConfigSource, configSource, type WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { internalError } from '../problem.ts';
import { log } from '../report/log.ts';
import type { Step } from './step.ts';

/** Makes a step of a sound configuration. @throws {Error} that says what a binding lacks. */
type Make = (config: Config, env: Bindings) => Step;

/**
 * A step that is made of the configuration at the first request, once per isolate: vars cannot change while it lives. A
 * broken configuration answers every request with 500, and the log says what is wrong with which var.
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

/** @throws {Error} where there is no Durable Object to count in. */
export const checkBindings = ({ LIMITER }: Bindings): void => {
  if (LIMITER === undefined)
    throw new Error('`LIMITER`: expected a Durable Object binding of the class `Limiter`, got nothing');
};
