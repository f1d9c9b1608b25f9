// A request whose client leaves while it waits for its Limiter.
import { expect, it } from 'vitest';
import { Permits } from '../../../src/quota/permits.ts';
import { chargesOf } from '../../../src/quota/plan.ts';
import { configWith, limitsOf, route } from '../../fixtures/config.ts';
import { EPOCH } from '../policies.ts';
import { bindingsOf } from './bindings.ts';
import { VirtualTime } from './virtual-time.ts';

const LIMITS = limitsOf('10/second');
const LEAVES_AFTER_MS = 10;

it('waits no longer than its client', async () => {
  const time = new VirtualTime(EPOCH);
  const config = configWith(
    {},
    { policies: { ...configWith().policies, default: LIMITS, anonymous: LIMITS } },
  );
  const plans = chargesOf(config)(route, 'anonymous').enforced;
  const silent = { consume: () => new Promise(() => {}) };
  const env = bindingsOf(() => silent);
  const client = new AbortController();
  const asker = { env, identity: undefined, signal: client.signal, waitUntil: () => {} };
  const permits = new Permits(config);
  const ask = async () => {
    const holdings = plans.map((plan) => permits.holdingOf(plan, 'somebody'));
    const answered = permits.use(asker, holdings, true);
    await time.wait(LEAVES_AFTER_MS);
    client.abort();
    return answered;
  };
  try {
    const outcomes = await time.run(ask());
    expect(outcomes.map(({ allowed }) => allowed)).toEqual([false]);
    expect(time.now - EPOCH).toBeLessThan(5 * LEAVES_AFTER_MS);
  } finally {
    time.end();
  }
});
