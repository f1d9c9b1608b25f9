// What a monitor is told of keys: the real health handler, inside workerd.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AdminEnv } from '../../src/admin/context.ts';
import { health } from '../../src/admin/health.ts';
import type { KeySource } from '../../src/config/types.ts';
import { configWith, issuer } from '../fixtures/config.ts';

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

/** Nobody serves it: whoever asks for it fails. */
const nobody = { kind: 'jwks', url: 'http://127.0.0.1:1/keys?secret=hunter2' } as const;
const broken = { kind: 'public', key: '-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----' } as const;

const told = async (...sources: (readonly KeySource[])[]) => {
  const algorithms = ['HS256', 'ES256'];
  const issuers = sources.map((keys) => ({ ...issuer, keys, algorithms }));
  const app = new Hono<AdminEnv>().get(
    '/',
    health(() => configWith({ issuers })),
  );
  const context = createExecutionContext();
  const response = await app.fetch(new Request('https://api.test/'), {} as never, context);
  await waitOnExecutionContext(context);
  return [response.status, await response.json()];
};

describe('health', () => {
  test('is ok while every issuer has keys', async () => {
    expect(await told(issuer.keys)).toEqual([200, { status: 'ok' }]);
  });

  test('is 503 where no issuer has any, and names them without a secret', async () => {
    const failed = ['http://127.0.0.1:1/keys'];
    expect(await told([nobody])).toEqual([503, { status: 'keys_unavailable', failed }]);
    expect(await told([broken])).toEqual([503, { status: 'keys_unavailable', failed: ['public'] }]);
  });

  test('names the one that has none beside others that do', async () => {
    const failed = ['http://127.0.0.1:1/keys'];
    expect(await told(issuer.keys, [nobody])).toEqual([200, { status: 'keys_missing', failed }]);
  });
});
