// What an isolate keeps of partitions that requests name: nothing of those that nobody had to be asked about.
import { expect, it } from 'vitest';
import { parseLimits } from '../../../src/config/notation.ts';
import { Ledger } from '../../../src/limiter/ledger.ts';
import type { Ask } from '../../../src/limiter/messages.ts';
import type { Plan } from '../../../src/quota/charge.ts';
import { Permits } from '../../../src/quota/permits.ts';
import { configWith } from '../../fixtures/config.ts';
import { EPOCH } from '../policies.ts';
import { bindingsOf } from './bindings.ts';
import { VirtualTime } from './virtual-time.ts';

const OWN: Plan = {
  id: 0,
  kind: 'subject',
  key: { kind: 'subject' },
  policies: parseLimits('1/hour', 'default', 'sliding-window').policies,
  cost: 1,
  mode: 'enforce',
  own: true,
  leasable: true,
  byRate: [],
};
const NAMED: Plan = { ...OWN, id: 1, kind: ':team' };

const ledgers = new Map<string, Ledger>();

/** A Limiter for each name. */
const stubOf = (name: string) => ({
  consume: async (ask: Ask) => {
    const ledger = ledgers.get(name) ?? new Ledger(undefined, name);
    ledgers.set(name, ledger);
    return ledger.consume(Date.now(), ask).reply;
  },
  giveBack: async () => {},
});

const env = bindingsOf(stubOf);

it('a caller that is refused from memory leaves nothing of what its requests name', async () => {
  const time = new VirtualTime(EPOCH);
  const permits = new Permits(configWith());
  const asker = { env, identity: undefined, signal: new AbortController().signal, waitUntil: () => {} };
  const send = async (team: string) => {
    const named = permits.holdingOf(NAMED, team);
    const [own] = await permits.use(asker, [permits.holdingOf(OWN, 'alice'), named], true);
    return { passed: own?.allowed, isKept: permits.holdingOf(NAMED, team) === named };
  };
  try {
    const play = async () => [await send('a'), await send('b'), await send('c')];
    const answers = await time.run(play());
    expect(answers).toEqual([
      { passed: true, isKept: true },
      { passed: false, isKept: true },
      { passed: false, isKept: false },
    ]);
  } finally {
    time.end();
  }
});
