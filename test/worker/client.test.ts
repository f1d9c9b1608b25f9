// The isolate's way to the Limiters, inside workerd with the real namespace.
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { LimiterClient } from '../../src/quota/client.ts';
import { configWith } from '../fixtures/config.ts';

const bindings = env as unknown as Bindings;

/** Asks a Limiter for nothing; says what the namespace was told of where to make it. */
const placementUnder = async (limiterLocation?: 'weur'): Promise<unknown> => {
  const told: unknown[] = [];
  const LIMITER = new Proxy(bindings.LIMITER, {
    get(namespace, property) {
      if (property === 'get')
        return (id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions) => {
          told.push(options);
          return namespace.get(id, options);
        };
      const member = Reflect.get(namespace, property);
      return typeof member === 'function' ? member.bind(namespace) : member;
    },
  });
  const client = new LimiterClient(configWith({}, { limiterLocation, limiterTimeoutMs: 30_000 }));
  const ask = { version: 1, policies: [], cost: 1, want: 1, returnable: false } as const;
  const { granted } = await client.consume({ ...bindings, LIMITER }, 'placed', ask);
  expect(granted).toBe(1);
  return told[0];
};

describe('a Limiter that is asked for the first time', () => {
  it('is made where `LIMITER_LOCATION` says', async () => {
    expect(await placementUnder('weur')).toEqual({ locationHint: 'weur' });
  });

  it('is made near its caller where the var is unset', async () => {
    expect(await placementUnder()).toBeUndefined();
  });
});
