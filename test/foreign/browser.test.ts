// A page in a real browser opens what browsers give no headers to: a WebSocket and an EventSource, through the built Worker.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NO_BROWSER, startBrowser } from '../fixtures/browser.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { mint, startWeir, type Weir } from '../fixtures/weir.ts';

let browser: Browser | undefined;
let origin: Origin;
let weir: Weir;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  if (NO_BROWSER !== undefined) return;
  [browser, origin] = await Promise.all([startBrowser(), startOrigin()]);
  const ROUTES = [{ name: 'page', match: '/page', auth: 'none' }];
  const TOKEN_SOURCES = 'header:Authorization, cookie:session, query:access_token';
  weir = await startWeir({
    vars: { ORIGIN_URL: origin.url, TOKEN_SOURCES, FORWARD_AUTHORIZATION: 'false', ROUTES },
  });
});
afterAll(async () => {
  await Promise.all([browser?.close(), weir?.close(), origin?.close()]);
});
beforeEach(async () => {
  if (!browser) return;
  origin.clear();
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(`${weir.url}/page`);
});
afterEach(() => context?.close());

/** What a socket of the page hears of its own message, or that it failed. */
const echoed = (path: string): Promise<string> =>
  page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send('hello');
        socket.onmessage = ({ data }) => resolve(String(data));
        socket.onerror = () => resolve('failed');
      }),
    weir.url.replace('http', 'ws') + path,
  );

/** The first event that the page gets, or that it got none. */
const firstEvent = async (path: string): Promise<string> => {
  const opened = await page.evaluate(
    (url) =>
      new Promise<boolean>((resolve) => {
        const source = new EventSource(url);
        const heard = new Promise<string>((hear) => {
          source.onmessage = ({ data }) => hear(String(data));
        });
        Object.assign(globalThis, { heard });
        source.onopen = () => resolve(true);
        source.onerror = () => resolve(false);
      }),
    weir.url + path,
  );
  if (!opened) return 'failed';
  origin.emit('news');
  return page.evaluate(() => Reflect.get(globalThis, 'heard') as Promise<string>);
};

describe('a page in a browser', () => {
  test('gets neither without a token', async ({ skip }) => {
    skip(NO_BROWSER !== undefined, NO_BROWSER);
    expect(await echoed('/ws')).toBe('failed');
    expect(await firstEvent('/sse')).toBe('failed');
  });

  test('opens a WebSocket and an EventSource with a cookie', async ({ skip }) => {
    skip(NO_BROWSER !== undefined, NO_BROWSER);
    const value = await mint();
    await context.addCookies([
      { name: 'session', value, url: weir.url, httpOnly: true, sameSite: 'Lax' },
      { name: 'theme', value: 'dark', url: weir.url },
    ]);
    expect(await echoed('/ws')).toBe('hello');
    expect(await firstEvent('/sse')).toBe('news');
    expect(await firstEvent('/sse?access_token=null')).toBe('news');
    for (const { headers, url } of origin.seen.filter(({ url }) => url !== '/page')) {
      expect([url.includes('access_token'), headers.cookie]).toEqual([false, 'theme=dark']);
    }
  });

  test('opens a WebSocket and an EventSource with a token in the query, which nobody behind sees', async ({
    skip,
  }) => {
    skip(NO_BROWSER !== undefined, NO_BROWSER);
    const token = await mint();
    expect(await echoed(`/ws?room=1&access_token=${token}`)).toBe('hello');
    expect(await firstEvent(`/sse?access_token=${token}`)).toBe('news');
    expect(await firstEvent(`/sse?access_token=${token.slice(0, -8)}AAAAAAAA`)).toBe('failed');
    expect(origin.seen.map(({ url }) => url)).toEqual(['/page', '/ws?room=1', '/sse']);
    expect(JSON.stringify(weir.logs())).not.toContain(token.slice(0, 40));
  });
});
