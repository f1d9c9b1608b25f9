// A Limiter that is down, slow or overloaded, under each of the three failure policies.
import { describe, expect, it } from 'vitest';
import { callsOf, failing, repair } from '../fixtures/limiters.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer } from '../fixtures/weir.ts';

const on = stage();

const kinds = ['down', 'slow', 'overloaded'] as const;

const start = async (kind: (typeof kinds)[number], policy: string): Promise<void> => {
  const vars = { LIMITS: '3/minute', ON_LIMITER_ERROR: policy, LIMITER_TIMEOUT_MS: '100' };
  await on.start({ ...(await failing[kind]()), vars });
};

const statuses = async (count: number): Promise<number[]> => {
  const headers = await bearer();
  const answers: number[] = [];
  for (let i = 0; i < count; i++) answers.push((await on.weir.fetch('/echo', { headers })).status);
  return answers;
};

describe.each(kinds)('with a Limiter that is %s', (kind) => {
  it('`local` holds the same policies in the isolate', async () => {
    await start(kind, 'local');
    expect(await statuses(6)).toEqual([200, 200, 200, 429, 429, 429]);
  });

  it('`open` lets requests pass', async () => {
    await start(kind, 'open');
    expect(await statuses(6)).toEqual([200, 200, 200, 200, 200, 200]);
  });

  it('`closed` answers 503 with Retry-After, and the origin sees nothing', async () => {
    await start(kind, 'closed');
    const before = on.origin.count;
    expect(await statuses(6)).toEqual([503, 503, 503, 503, 503, 503]);
    const answer = await on.weir.fetch('/echo', { headers: await bearer() });
    expect(answer.headers.get('Retry-After')).toBe('1');
    expect(await answer.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      title: 'Temporary Reduced Capacity',
      status: 503,
    });
    expect(on.origin.count).toBe(before);
  });

  it('is left alone after three failures in a row, and asked again once the pause is over', async () => {
    await start(kind, 'closed');
    await statuses(10);
    expect((await callsOf(on.weir)).consume).toBe(3);
    await repair(on.weir);
    await expect.poll(async () => (await statuses(1))[0], { timeout: 5_000 }).toBe(200);
  });
});
