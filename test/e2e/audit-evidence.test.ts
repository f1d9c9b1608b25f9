// An API that shows nothing is praised for nothing, whatever it answers.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runAudit } from '../../tools/audit/engine.ts';
import { accepted } from '../../tools/audit/evidence.ts';
import { resolveTarget } from '../../tools/audit/http/target.ts';
import type { Report } from '../../tools/audit/types.ts';
import { sampleCredentials } from '../fixtures/weak/audited.ts';

/** Serves whoever asks so often, then answers everything alike. */
const auditOf = async (good: number, status: number): Promise<Report> => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    response.writeHead(requests <= good ? 200 : status, { 'Retry-After': '9' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await runAudit({
      target: await resolveTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
      credentials: await sampleCredentials(),
      limits: { maxRequests: 400, rate: 400 },
      only: [
        'tokens',
        'leaks',
        'limits.exists',
        'limits.declared',
        'limits.parallel',
        'limits.refused-spend',
      ],
      signal: new AbortController().signal,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

describe.concurrent('an API that answers everything alike after a few good answers', () => {
  it.each([
    [2, 500],
    [2, 503],
    [2, 429],
    [2, 403],
    [2, 302],
    [20, 500],
    [20, 429],
  ])(
    'passes no check of its tokens, leaks and races: %i good ones, then %i',
    { timeout: 60_000 },
    async (good, status) => {
      const { results, grade } = await auditOf(good, status);
      expect(
        results.filter(({ outcome }) => outcome === 'passed').map(({ id, seen }) => `${id}: ${seen}`),
      ).toEqual([]);
      expect(['A', 'B', 'C']).not.toContain(grade.letter);
    },
  );

  it('or passes with what was measured, where it serves everybody', { timeout: 60_000 }, async () => {
    const { results, grade } = await auditOf(Number.POSITIVE_INFINITY, 200);
    for (const result of results) expect(accepted(result).outcome).toBe(result.outcome);
    expect(grade.letter).toBe('F');
  });
});
