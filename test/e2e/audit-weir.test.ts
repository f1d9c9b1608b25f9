// Weir under its own audit: the built Worker, seen from outside.
import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checks } from '../../tools/audit/checks/index.ts';
import { runAudit } from '../../tools/audit/engine.ts';
import { resolveTarget } from '../../tools/audit/http/target.ts';
import { readSigningKey } from '../../tools/audit/tokens/keys.ts';
import { Origin } from '../fixtures/origin.ts';
import { AUDIENCE, ISSUER, privateJwk, publicJwk, publicPem, tokenOf } from '../fixtures/weak/issuer.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

const origin = new Origin();
let weir: Weir;

beforeAll(async () => {
  await origin.listen();
  weir = await startWeir({
    vars: {
      JWT_PUBLIC_KEY: publicPem,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      ORIGIN_URL: origin.url,
      LIMITS: '20 / 2 seconds',
      CORS_ORIGINS: '*',
    },
  });
});

afterAll(async () => {
  await weir.close();
  await origin.close();
});

describe('Weir, audited with keys and tokens of two subjects', () => {
  it('gets an A, with its own failure gate as it ships, and no check skipped', {
    timeout: 120_000,
  }, async () => {
    const report = await runAudit({
      target: await resolveTarget(`${weir.url}/v1/profile`),
      credentials: {
        token: await tokenOf('alice'),
        secondToken: await tokenOf('alice'),
        otherToken: await tokenOf('bob'),
        publicKeys: [createPublicKey({ key: publicJwk, format: 'jwk' })],
        signingKey: readSigningKey(JSON.stringify(privateJwk)),
        origin: 'https://app.example',
      },
      limits: { maxRequests: 600, rate: 100 },
      signal: new AbortController().signal,
    });
    const others = report.results.filter(({ outcome }) => outcome !== 'passed');
    expect(others.map(({ id, outcome, seen }) => `${id} ${outcome}: ${seen}`)).toEqual([]);
    expect(report.results).toHaveLength(checks.length);
    expect(report.grade.letter).toBe('A');
  });
});
