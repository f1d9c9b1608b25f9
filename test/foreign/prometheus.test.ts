// Metrics against Debian's Prometheus: it scrapes them under load, and every query of the dashboard and rule of the alerts answers.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { freePort } from '../../tools/demo/ports.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const GRAFANA = join(import.meta.dirname, '../../docs/grafana');
const METRICS_TOKEN = 'a-metrics-token-of-forty-characters-so-so';
/** Seconds under load. */
const LOAD_SECONDS = 120;

/** What takes long; `npm run soak` runs it. */
const soak = process.env.SOAK ? it : it.skip;

const hasPrometheus = existsSync('/usr/bin/prometheus');
test.skipIf(hasPrometheus)('skipped: there is no /usr/bin/prometheus; apt-get install prometheus', () => {});

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

describe.skipIf(!hasPrometheus)('Prometheus', () => {
  let origin: Origin;
  let weir: Weir;
  let folder: string;
  let prometheus: ReturnType<typeof spawn>;
  let url: string;
  let stop = false;

  const load = async (sub: string, token = true) => {
    while (!stop) {
      const headers = token ? await bearer({ sub, tier: 'pro' }) : {};
      await weir.fetch('/hello', { headers }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };

  beforeAll(async () => {
    origin = await startOrigin();
    weir = await startWeir({
      pulse: true,
      vars: { ORIGIN_URL: origin.url, LIMITS: '5/minute', TIER_CLAIM: 'tier', TIERS: { pro: '50/minute' } },
      secrets: { METRICS_TOKEN },
    });
    folder = await mkdtemp(join(tmpdir(), 'weir-prometheus-'));
    const port = await freePort(24_000 + (process.pid % 5_000));
    url = `http://127.0.0.1:${port}`;
    const scrape = {
      job_name: 'weir',
      metrics_path: '/.weir/metrics',
      scrape_interval: '1s',
      authorization: { credentials: METRICS_TOKEN },
      static_configs: [{ targets: [new URL(weir.url).host] }],
    };
    const config = { scrape_configs: [scrape], rule_files: [join(GRAFANA, 'alerts.yml')] };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    prometheus = spawn(
      '/usr/bin/prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    load('alice');
    load('bob');
    load('nobody', false);
  });
  afterAll(async () => {
    stop = true;
    prometheus.kill();
    await weir.close();
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  });

  const query = async (expr: string) => {
    const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    return (await response.json()) as { status: string; data: { result: { value: [number, string] }[] } };
  };

  it('takes the metrics, which promtool finds nothing to say about', async () => {
    const headers = { Authorization: `Bearer ${METRICS_TOKEN}`, Accept: 'text/plain' };
    const text = await (await weir.fetch('/.weir/metrics', { headers })).text();
    const promtool = promisify(execFile)('promtool', ['check', 'metrics']);
    promtool.child.stdin?.end(text);
    expect((await promtool).stderr).toBe('');
    const rules = await promisify(execFile)('promtool', ['check', 'rules', join(GRAFANA, 'alerts.yml')]);
    expect(rules.stdout).toMatch(/SUCCESS: \d+ rules found/);
  });

  soak(
    'scrapes them under load, and every query of the dashboard answers',
    async () => {
      await vi.waitFor(
        async () => expect((await query('up{job="weir"}')).data.result[0]?.value[1]).toBe('1'),
        {
          timeout: 30_000,
          interval: 500,
        },
      );
      await new Promise((resolve) => setTimeout(resolve, LOAD_SECONDS * 1_000));
      const { panels } = JSON.parse(await readFile(join(GRAFANA, 'dashboard.json'), 'utf8')) as {
        panels: readonly Panel[];
      };
      for (const { title, targets } of panels)
        for (const { expr } of targets) {
          const answer = await query(expr.replaceAll('$__rate_interval', '1m'));
          expect(answer.status, title).toBe('success');
          // No Limiter failed, so nothing is counted of that.
          if (!expr.includes('weir_limiter_failures'))
            expect(answer.data.result.length, expr).toBeGreaterThan(0);
        }
      const down = await query('count_over_time(up{job="weir"}[2m]) - sum_over_time(up{job="weir"}[2m])');
      expect(Number(down.data.result[0]?.value[1])).toBeLessThanOrEqual(1);
      const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as {
        data: { groups: { rules: { health: string; name: string }[] }[] };
      };
      const sick = data.groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err');
      expect(sick).toEqual([]);
    },
    (LOAD_SECONDS + 90) * 1_000,
  );
});
