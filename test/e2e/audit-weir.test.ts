// Weir under its own audit: the built Worker, seen from outside.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checks } from '../../tools/audit/checks/index.ts';
import type { Report } from '../../tools/audit/types.ts';
import { run } from '../fixtures/command.ts';
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
  it('gets an A with no check skipped, its failure gate as it ships, in two minutes and 500 requests', {
    timeout: 150_000,
    // The failure gate counts by the clock's minutes: a flood that straddles two is not one too many in either.
    retry: 1,
  }, async () => {
    const keys = join(mkdtempSync(join(tmpdir(), 'audit-')), 'jwks.json');
    writeFileSync(keys, JSON.stringify({ keys: [publicJwk] }));
    const { code, stdout } = await run(
      ['tools/audit/audit.ts', '--url', `${weir.url}/v1/profile`, '--jwks', keys, '--format', 'json'],
      {
        AUDIT_TOKEN: await tokenOf('alice'),
        AUDIT_SECOND_TOKEN: await tokenOf('alice'),
        AUDIT_OTHER_TOKEN: await tokenOf('bob'),
        AUDIT_SIGNING_KEY: JSON.stringify(privateJwk),
      },
    );
    const report: Report = JSON.parse(stdout);
    const others = report.results.filter(({ outcome }) => outcome !== 'passed');
    expect(others.map(({ id, outcome, seen }) => `${id} ${outcome}: ${seen}`)).toEqual([]);
    expect(report.results).toHaveLength(checks.length);
    expect(report.grade.letter).toBe('A');
    expect(report.requests).toBeLessThanOrEqual(500);
    expect(report.seconds).toBeLessThan(120);
    expect(code).toBe(0);
  });
});
