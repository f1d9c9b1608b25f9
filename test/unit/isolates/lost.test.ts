// An ask whose request the runtime drops with its answer: what others do meanwhile.
import { expect, it } from 'vitest';
import { Ledger } from '../../../src/limiter/ledger.ts';
import type { Ask, Return } from '../../../src/limiter/messages.ts';
import { Permits } from '../../../src/quota/permits.ts';
import { chargesOf } from '../../../src/quota/plan.ts';
import { configWith, limitsOf, route } from '../../fixtures/config.ts';
import { EPOCH } from '../policies.ts';
import { bindingsOf } from './bindings.ts';
import { VirtualTime } from './virtual-time.ts';

const LIMITS = limitsOf('10/second');
const ROUND_TRIP_MS = 4;

it('a share that is asked for in vain has nobody ask again at each round trip', async () => {
  const time = new VirtualTime(EPOCH);
  const ledger = new Ledger(undefined, '0');
  const config = configWith(
    {},
    { limiterTimeoutMs: 1_000, policies: { ...configWith().policies, default: LIMITS, anonymous: LIMITS } },
  );
  const permits = new Permits(config);
  const [plan] = chargesOf(config)(route, 'anonymous').enforced;
  let calls = 0;
  let isDropped = false;
  const stub = {
    consume: async (ask: Ask) => {
      calls++;
      if (isDropped && ask.share !== undefined) return new Promise(() => {});
      await time.wait(ROUND_TRIP_MS);
      return ledger.consume(Math.floor(time.now), ask).reply;
    },
    giveBack: async (unused: Return) => ledger.giveBack(Math.floor(time.now), unused),
  };
  const env = bindingsOf(() => stub);
  const asker = { env, identity: undefined, signal: new AbortController().signal, waitUntil: () => {} };
  const send = (everyMs: number, forMs: number) => async () => {
    const sent: unknown[] = [];
    for (let ms = 0; ms < forMs; ms += everyMs) {
      if (plan !== undefined) sent.push(permits.use(asker, [permits.holdingOf(plan, 'somebody')], true));
      await time.wait(everyMs);
    }
    return sent;
  };
  try {
    await time.run(send(125, 4_000)());
    isDropped = true;
    calls = 0;
    await time.run(send(25, 1_000)());
    expect(calls).toBeLessThan(200);
  } finally {
    time.end();
  }
});
