// How a step gets its configuration: from the mount's options and the vars that come with the first request.
import type { Bindings } from '../bindings.ts';
import { type ConfigSource, configSource, type WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { internalError } from '../problem.ts';
import { log } from '../report/log.ts';
import type { Step } from './step.ts';

/**
 * A step that is made of the configuration at the first request, once per isolate: vars cannot change while it lives. A
 * broken configuration answers every request with 500, and the log says what is wrong with which var.
 */
export const mounted = (options: WeirOptions, make: (config: Config) => Step): Step => {
  const configOf = configSource(options);
  let step: Step | undefined;
  return function mounted(c, next) {
    step ??= started(configOf, c.env, make);
    return step(c, next);
  };
};

const started = (configOf: ConfigSource, env: Bindings, make: (config: Config) => Step): Step => {
  try {
    return make(configOf(env));
  } catch (error) {
    return misconfigured(error);
  }
};

const misconfigured = (error: unknown): Step =>
  async function misconfigured(c) {
    log(() => ({ outcome: 'misconfigured', reason: String(error) }), c.executionCtx);
    return internalError();
  };
