// Whether Weir can work. For monitors, and so open to anybody: it says no more than the names of what failed.
import type { Context } from 'hono';
import { type Verifier, verifier } from '../auth/verify.ts';
import type { Config } from '../config/types.ts';
import type { AdminEnv } from './context.ts';

/** Answers 503 where the vars are wrong or no key source has keys; where only some have none, 200 that names those. */
export const health = (configOf: (env: AdminEnv['Bindings']) => Config | undefined) => {
  let keys: Verifier | undefined;
  return async function health(c: Context<AdminEnv>): Promise<Response> {
    const config = configOf(c.env);
    if (config === undefined) return c.json({ status: 'misconfigured' }, 503);
    keys ??= verifier(config);
    const states = await keys.keyStates((work) => c.executionCtx.waitUntil(work));
    const failed = states.filter((state) => state.keys === 0).map(({ source }) => source);
    if (failed.length === 0) return c.json({ status: 'ok' });
    const isDown = failed.length === states.length;
    return c.json({ status: isDown ? 'keys_unavailable' : 'keys_missing', failed }, isDown ? 503 : 200);
  };
};
