// Pulse in the real runtime: what it counts is what origin and client counted, and only operators learn of it.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, mint, startWeir, type Weir } from '../fixtures/weir.ts';

const ADMIN_TOKEN = 'an-admin-token-of-forty-characters-or-so';
const METRICS_TOKEN = 'a-metrics-token-of-forty-characters-so-so';
const secrets = { ADMIN_TOKEN, METRICS_TOKEN, PARTITION_SECRET: 'sixteen bytes at least' };
const vars = { LIMITS: '30/minute', ROUTES: [{ name: 'search', match: '/search/*', limits: '10/minute' }] };

const adminHeaders = { Authorization: `Bearer ${ADMIN_TOKEN}` };

/** The Worker with a Pulse that also says how many rows SQLite has written for it. */
const wrapper = `
  import worker, { Pulse as Real } from './index.js';
  export { Limiter } from './index.js';
  export class Pulse extends Real {
    rows() { return this.ctx.storage.sql.exec('SELECT total_changes() AS rows').one(); }
  }
  const rows = async ({ PULSE }) => Response.json(await PULSE.get(PULSE.idFromName('pulse-0')).rows());
  export default { fetch: (request, env, ctx) => request.url.endsWith('/rows') ? rows(env) : worker.fetch(request, env, ctx) };
`;

let origin: Origin;
let weir: Weir;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({ pulse: true, isolates: 2, vars: { ...vars, ORIGIN_URL: origin.url }, secrets });
});
afterAll(async () => {
  await weir.close();
  await origin.close();
});

const admin = (path: string, token = ADMIN_TOKEN, headers: Record<string, string> = {}) =>
  weir.fetch(`/.weir/${path}`, { headers: { Authorization: `Bearer ${token}`, ...headers } });

const metricsText = async () => (await admin('metrics', METRICS_TOKEN)).text();

/** The sum of a metric's samples that have these labels. */
const sumOf = (text: string, metric: string, labels = ''): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

/** Statuses as the client saw them, of requests to both isolates. */
const load = async (count: number): Promise<Map<number, number>> => {
  const tokens = await Promise.all(['alice', 'bob', 'carol'].map((sub) => mint({ sub })));
  const statuses = new Map<number, number>();
  const send = async (i: number) => {
    const url = weir.urls[i % 2] ?? '';
    const token = i % 7 === 0 ? 'forged' : (tokens[i % 3] ?? '');
    const path = i % 5 === 0 ? '/search/x?secret=1' : '/hello';
    const response = await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  };
  for (let i = 0; i < count; i += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - i) }, (_, j) => send(i + j)));
  return statuses;
};

const total = (counts: ReadonlyMap<number, number>): number =>
  [...counts.values()].reduce((a, b) => a + b, 0);

const evictPulse = async () => {
  const { miniflare } = weir.runtime;
  for (const id of await miniflare.listDurableObjectIds('Pulse', 'weir'))
    await miniflare.unsafeEvictDurableObject('weir', 'Pulse', { id });
};

const until = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 200 });

describe('counts', () => {
  it('agree with client and origin once the load has ended, by status, outcome and origin', async () => {
    const before = origin.count;
    const statuses = await load(200);
    await until(async () => expect(sumOf(await metricsText(), 'weir_responses_total')).toBe(200));
    const text = await metricsText();
    for (const [status, count] of statuses)
      expect(sumOf(text, 'weir_responses_total', `status="${status}"`), `${status}`).toBe(count);
    expect(sumOf(text, 'weir_requests_total')).toBe(200);
    expect(sumOf(text, 'weir_refusals_total', 'outcome="unauthorized"')).toBe(statuses.get(401));
    expect(sumOf(text, 'weir_origin_responses_total')).toBe(origin.count - before);
    expect(sumOf(text, 'weir_wait_seconds_count')).toBe(200);
    expect(text).not.toMatch(/secret=1|alice|bob/);
  });

  it('are never more than were sent while a load runs, and no fewer than were answered before each isolate’s last report', async () => {
    const reports = async () => sumOf(await metricsText(), 'weir_pulse_reports_total');
    const counted = async () => sumOf(await metricsText(), 'weir_responses_total');
    const before = await counted();
    const seen = { sent: 0, answered: 0, stop: false };
    const running = (async () => {
      while (!seen.stop) {
        seen.sent += 20;
        seen.answered += total(await load(20));
      }
    })();
    for (let round = 0; round < 2; round++) {
      const { answered } = seen;
      const told = await reports();
      // Two of each of the two isolates: what one had counted by then, it has told.
      await until(async () => expect(await reports()).toBeGreaterThanOrEqual(told + 4));
      const count = (await counted()) - before;
      expect(count).toBeGreaterThanOrEqual(answered);
      expect(count).toBeLessThanOrEqual(seen.sent);
    }
    seen.stop = true;
    await running;
    await until(async () => expect((await counted()) - before).toBe(seen.sent));
  });

  it('lose nothing over an eviction of Pulse that came after a report: the isolate still has it', async () => {
    const before = sumOf(await metricsText(), 'weir_responses_total');
    const first = await load(40);
    await until(async () =>
      expect(sumOf(await metricsText(), 'weir_responses_total')).toBe(before + total(first)),
    );
    await evictPulse();
    const second = await load(40);
    await until(async () =>
      expect(sumOf(await metricsText(), 'weir_responses_total')).toBe(before + total(first) + total(second)),
    );
  });

  it('write one row in ten seconds at most, however many reports come', async () => {
    const began = Date.now();
    const counted = await startWeir({
      pulse: true,
      isolates: 2,
      vars: { ...vars, ORIGIN_URL: origin.url },
      secrets,
      wrapper,
    });
    const reportsOf = async () =>
      sumOf(
        await (await counted.fetch('/.weir/metrics', { headers: adminHeaders })).text(),
        'weir_pulse_reports_total',
      );
    await until(async () => {
      for (const url of counted.urls) await fetch(url, { headers: await bearer() });
      expect(await reportsOf()).toBeGreaterThan(4);
    });
    const { rows } = (await (await counted.fetch('/rows')).json()) as { rows: number };
    expect(rows).toBeLessThanOrEqual(Math.ceil((Date.now() - began) / 10_000));
    expect(rows).toBeGreaterThan(0);
    await counted.close();
  });
});

describe('who is told', () => {
  it.each(['metrics', 'pulse', 'live', 'changes', 'history?partition=0', 'routes', 'partitions?partition=0'])(
    '%s: a caller gets the one 404, whatever its token',
    async (path) => {
      const nothing = await (await weir.fetch('/.weir/no-such-thing')).text();
      for (const headers of [{}, await bearer(), { Authorization: `Bearer ${ADMIN_TOKEN}x` }]) {
        const response = await weir.fetch(`/.weir/${path}`, { headers });
        expect(response.status).toBe(404);
        expect(await response.text()).toBe(nothing);
      }
    },
  );

  it('the metrics token reads metrics and nothing else', async () => {
    expect((await admin('metrics', METRICS_TOKEN)).status).toBe(200);
    expect((await admin('metrics')).status).toBe(200);
    for (const path of ['pulse', 'live', 'config', 'changes', 'subjects?subject=alice'])
      expect((await admin(path, METRICS_TOKEN)).status, path).toBe(404);
  });

  it('a page of another site is refused even with the token', async () => {
    for (const site of ['cross-site', 'same-site'])
      expect((await admin('pulse', ADMIN_TOKEN, { 'Sec-Fetch-Site': site })).status).toBe(404);
    const preflight = await weir.fetch('/.weir/pulse', {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'PUT' },
    });
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect((await admin('pulse', ADMIN_TOKEN, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
  });
});

describe('the live view', () => {
  it('ranks partitions by the name that the log gives them, and leads to their Limiter', async () => {
    const { partition } = (await (await admin('subjects?subject=alice')).json()) as { partition: string };
    const view = await (await admin('pulse')).json();
    const names = view.rankings.requests.map(([name]: [string]) => name);
    expect(names).toContain(partition);
    const named = await (await admin(`partitions?partition=${partition}`)).json();
    expect(named).toMatchObject({ kind: 'subject', partition });
    // What remains of each changes by itself from one look to the next.
    const { policies } = await (await admin('subjects?subject=alice')).json();
    const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    expect(namesOf(named.policies)).toEqual(namesOf(policies));
  });

  it('comes as server-sent events', async () => {
    const response = await admin('live');
    expect(response.headers.get('Content-Type')).toBe('text/event-stream');
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    await reader?.cancel();
    const text = new TextDecoder().decode(value);
    expect(text).toMatch(/^data: \{.*\}\n\n$/s);
    expect(JSON.parse(text.slice('data: '.length)).points).toHaveLength(180);
  });

  it('keeps what operators change, with the reason', async () => {
    const { partition } = (await (await admin('subjects?subject=alice')).json()) as { partition: string };
    const reset = `/.weir/partitions/reset?${new URLSearchParams({ partition, reason: 'case 81' })}`;
    expect((await weir.fetch(reset, { method: 'POST', headers: adminHeaders })).status).toBe(200);
    const { changes } = await (await admin('changes')).json();
    expect(changes[0]).toMatchObject({
      action: 'POST /.weir/partitions/reset',
      partition,
      reason: 'case 81',
    });
    expect(JSON.stringify(weir.logs())).not.toContain('case 81');
  });
});

describe('without the binding', () => {
  it('everything else works, and what needs it says so', async () => {
    const plain = await startWeir({ vars: { ...vars, ORIGIN_URL: origin.url }, secrets });
    expect((await plain.fetch('/hello', { headers: await bearer() })).status).toBe(200);
    const response = await plain.fetch('/.weir/pulse', { headers: adminHeaders });
    expect(response.status).toBe(501);
    expect((await plain.fetch('/.weir/subjects?subject=alice', { headers: adminHeaders })).status).toBe(200);
    await plain.close();
  });
});
