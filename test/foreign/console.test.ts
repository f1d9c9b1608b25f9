// The console in a real browser, against the built Worker: what an operator does, and what nobody else can.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { freePort } from '../../tools/demo/ports.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, mint, startWeir, type Weir } from '../fixtures/weir.ts';

const ADMIN_TOKEN = 'an-admin-token-of-forty-characters-or-so';
/** Debian's package `chromium`. */
const CHROMIUM = '/usr/bin/chromium';
const HOSTILE = '<img src=x onerror=window.hacked=1>';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A browser on a busy machine takes its time. */
vi.setConfig({ testTimeout: 240_000 });

let origin: Origin;
let weir: Weir;
/** The isolate that serves callers; the first one serves the console. */
let api: string;

beforeAll(async () => {
  origin = await startOrigin();
  const port = await freePort(23_000 + (process.pid % 5_000));
  weir = await startWeir({
    pulse: true,
    isolates: 2,
    port,
    vars: {
      ORIGIN_URL: origin.url,
      LIMITS: '5000/minute',
      UNAUTHORIZED_DELAY_MS: '0',
      CONSOLE_HOST: `127.0.0.1:${port}`,
      ROUTES: [{ name: 'search', match: '/search/*', limits: '2/minute' }],
    },
    secrets: { ADMIN_TOKEN, PARTITION_SECRET: 'sixteen bytes at least' },
  });
  api = weir.urls[1] ?? '';
});
afterAll(async () => {
  await weir.close();
  await origin.close();
});

const statusOf = async (sub: string, path = '/hello') =>
  (await fetch(api + path, { headers: await bearer({ sub }) })).status;

describe('the host of the console', () => {
  it('serves the console with a strict policy, and nothing of the origin’s', async () => {
    const before = origin.count;
    const page = await weir.fetch('/');
    expect(page.status).toBe(200);
    const policy = page.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|onload|https?:/);
    for (const path of ['/hello', '/..;/', '/%2eweir/config', '/console.js/x', '/__proto__'])
      expect((await weir.fetch(path, { headers: await bearer() })).status, path).toBe(404);
    expect((await weir.fetch('/', { method: 'POST', headers: await bearer() })).status).toBe(404);
    expect(origin.count).toBe(before);
  });

  it('is the only one: at the API’s there is no console', async () => {
    for (const path of ['/', '/console.js'])
      expect((await fetch(api + path)).headers.get('Content-Type')).toBe('application/problem+json');
  });

  it('upgrades nobody to a WebSocket, so that there is no origin to check', async () => {
    const headers = { Upgrade: 'websocket', Connection: 'Upgrade', Origin: 'https://evil.example' };
    const response = await weir.fetch('/.weir/live', { headers }).catch(() => undefined);
    expect(response?.status ?? 404).toBe(404);
  });
});

/** What takes long; `npm run soak` runs it. */
const soak = process.env.SOAK ? it : it.skip;

const hasChromium = existsSync(CHROMIUM);
const inBrowser = hasChromium ? describe : describe.skip;

test.skipIf(hasChromium)(`skipped: there is no ${CHROMIUM}; apt-get install chromium`, () => {});

inBrowser('in a browser', () => {
  let browser: Browser;
  let stop = false;

  /** Callers who come again and again until the end. */
  const keepCalling = async (sub: string, everyMs: number, path = '/hello') => {
    while (!stop) {
      await statusOf(sub, path).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
    for (let i = 0; i < 4; i++) keepCalling('abuser', 80);
    keepCalling('steady', 400);
    keepCalling(HOSTILE, 200, '/search/x');
  });
  afterAll(async () => {
    stop = true;
    await browser.close();
  });

  /** A page of its own session, and what it did that it should not. */
  const open = async (colorScheme: 'dark' | 'light' = 'dark') => {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' });
    context.setDefaultTimeout(90_000);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted|Refused/i.test(message.text())) faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(weir.url)) faults.push(`asked ${request.url()}`);
      if (request.url().includes(ADMIN_TOKEN)) faults.push('the token stands in a URL');
    });
    await page.goto(weir.url);
    return { page, faults };
  };

  const signIn = async (page: Page, token = ADMIN_TOKEN) => {
    await page.getByLabel('Admin token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };

  const number = async (page: Page, tile: string): Promise<number> =>
    Number.parseFloat((await page.locator('.tile', { hasText: tile }).locator('dd').textContent()) ?? '');

  const serious = async (page: Page) => {
    // Put in by the debugger's protocol, which the page's policy does not bind.
    const source = (await import('node:fs/promises')).readFile(AXE, 'utf8');
    await page.evaluate(await source);
    const { violations } = (await page.evaluate('axe.run()')) as {
      violations: { id: string; impact: string; nodes: { html: string }[] }[];
    };
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  };

  it('a wrong token is refused, the right one opens it, and it is kept for this tab alone', async () => {
    const { page, faults } = await open();
    await signIn(page, 'not-the-token-but-as-long-as-it-should-be');
    await page.getByText('That is not the admin token').waitFor();
    await signIn(page);
    await page.getByText('Requests a second').first().waitFor();
    expect(page.url()).not.toContain(ADMIN_TOKEN);
    expect(await page.evaluate(() => JSON.stringify([localStorage.length, document.cookie]))).toBe('[0,""]');
    const other = await page.context().newPage();
    await other.goto(weir.url);
    await other.getByLabel('Admin token').waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('live numbers move', async () => {
    const { page, faults } = await open();
    await signIn(page);
    await vi.waitFor(async () => expect(await number(page, 'Requests a second')).toBeGreaterThan(0.5), {
      timeout: 60_000,
    });
    const seen = new Set<string>();
    await vi.waitFor(
      async () => {
        seen.add((await page.locator('.legend').first().textContent()) ?? '');
        expect(seen.size).toBeGreaterThan(2);
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('the abusive caller is found, blocked, seen refused, and let in again by an undo; another console sees it too', async () => {
    const { page, faults } = await open();
    const { page: other, faults: othersFaults } = await open('light');
    await signIn(page);
    await signIn(other);
    await page.getByRole('link', { name: 'Who' }).click();
    const top = page.getByRole('region', { name: 'Top callers' }).getByRole('link').first();
    await top.click();
    await page.getByRole('button', { name: 'Block' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Every request gets a 429').waitFor();
    await dialog.getByLabel('Reason').fill(HOSTILE);
    await dialog.getByRole('button', { name: 'Block' }).click();
    await page.locator('.badge', { hasText: 'blocked' }).waitFor();
    await vi.waitFor(async () => expect(await statusOf('abuser')).toBe(429), { timeout: 20_000 });
    expect(await statusOf('steady')).toBe(200);
    await other.getByRole('link', { name: 'Trail' }).click();
    await other.getByText(HOSTILE).first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone.').waitFor();
    await vi.waitFor(async () => expect(await statusOf('abuser')).toBe(200), {
      timeout: 40_000,
      interval: 500,
    });
    expect([...faults, ...othersFaults]).toEqual([]);
    await page.context().close();
    await other.context().close();
  });

  soak('limits are validated as they are typed, by the Worker’s own parser', async () => {
    const { page } = await open();
    await signIn(page);
    await page.goto(`${weir.url}/#/who/subject/steady`);
    await page.getByRole('button', { name: 'Other limits' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('a test');
    await dialog.getByLabel('Limits', { exact: true }).fill('ten a minute');
    await dialog.getByText('Expected').first().waitFor();
    expect(await dialog.getByRole('button', { name: 'Set limits' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Limits', { exact: true }).fill('3/minute');
    await dialog.getByText('3/minute in place of its own limits').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.context().close();
  });

  soak('a hostile subject, reason or path is text in every list, and runs nothing', async () => {
    const { page, faults } = await open();
    await signIn(page);
    await page.goto(`${weir.url}/#/who/subject/${encodeURIComponent(HOSTILE)}`);
    await page.getByRole('heading', { name: HOSTILE }).waitFor();
    for (const name of ['Now', 'Who', 'Attack', 'Routes', 'Trail']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForTimeout(300);
      expect(await page.locator('img[src="x"]').count(), name).toBe(0);
    }
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  soak('a path is tried by the Worker’s own routing', async () => {
    const { page } = await open();
    await signIn(page);
    await page.goto(`${weir.url}/#/routes`);
    await page.getByLabel('Path', { exact: true }).fill('/%73earch/x?q=1');
    await page.getByRole('button', { name: 'Try' }).click();
    await page.locator('.facts', { hasText: 'search' }).waitFor();
    await page.context().close();
  });

  soak('the session ends when it is signed out, and when the token is no longer right', async () => {
    const { page, faults } = await open();
    await signIn(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Admin token').waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('weir.token'))).toBeNull();
    await page.evaluate(() =>
      sessionStorage.setItem('weir.token', 'a-token-that-was-right-until-it-was-rotated'),
    );
    await page.reload();
    await page.getByText('The session has ended').waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  soak.each(['dark', 'light'] as const)('axe finds nothing serious on any page, %s', async (scheme) => {
    const { page } = await open(scheme);
    expect(await serious(page), 'signed out').toEqual([]);
    await signIn(page);
    await page.getByText('Requests a second').first().waitFor();
    for (const name of ['Now', 'Who', 'Attack', 'Routes', 'Trail']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForTimeout(300);
      expect(await serious(page), name).toEqual([]);
    }
    await page.goto(`${weir.url}/#/who/subject/steady`);
    await page.getByRole('button', { name: 'Block' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await serious(page), 'a dialog').toEqual([]);
    await page.context().close();
  });

  soak('fits a phone without a sideways scroll', async () => {
    const { page } = await open();
    await page.setViewportSize({ width: 360, height: 740 });
    await signIn(page);
    for (const name of ['Now', 'Who', 'Attack', 'Routes', 'Trail']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForTimeout(300);
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(excess, name).toBeLessThanOrEqual(0);
    }
    await page.context().close();
  });
});

it('the console is at most 80 KB gzipped', async () => {
  const { gzipSync } = await import('node:zlib');
  const { readWorker } = await import('../../tools/build.ts');
  const { texts } = await readWorker();
  for (const text of Object.values(texts)) expect(gzipSync(text).byteLength).toBeLessThanOrEqual(80 * 1024);
});

it('a caller’s own token opens nothing of it', async () => {
  const headers = { Authorization: `Bearer ${await mint()}` };
  for (const path of ['live', 'pulse', 'changes', 'routes', 'routes/try?path=/'])
    expect((await weir.fetch(`/.weir/${path}`, { headers })).status, path).toBe(404);
});
