// `npm run screenshots`: every page of a running console in Chromium, dark and light, on a desktop and a phone.
// For docs/console: one WebP a page, with the four side by side. What to photograph is whatever the console shows just then.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { command, say, text, UsageError } from './cli.ts';

const CHROMIUM = '/usr/bin/chromium';
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const SCHEMES = ['dark', 'light'] as const;
/** Of a page that is longer no more is shown. */
const MOST_HEIGHT = 1_400;
/** A chart is drawn with the first counts, which come within two seconds. */
const SETTLE_MS = 3_500;

interface View {
  readonly name: string;
  /** After the host: `#/who`. */
  readonly hash: string;
  readonly signedIn?: boolean;
  readonly prepare?: (page: Page) => Promise<void>;
}

const VIEWS: readonly View[] = [
  { name: 'sign-in', hash: '', signedIn: false },
  { name: 'now', hash: '#/now' },
  { name: 'who', hash: '#/who' },
  { name: 'caller', hash: '#/who/subject/abusive-0' },
  {
    name: 'block',
    hash: '#/who/subject/abusive-0',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Block' }).click();
      await page.getByLabel('Reason').fill('case 81: scrapes the search');
    },
  },
  { name: 'attack', hash: '#/attack' },
  { name: 'routes', hash: '#/routes' },
  { name: 'trail', hash: '#/trail' },
];

const shot = async (browser: Browser, url: string, token: string, view: View, shown: Shown) => {
  const context = await browser.newContext({
    viewport: SIZES[shown.size],
    colorScheme: shown.scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  if (view.signedIn !== false)
    await context.addInitScript(`sessionStorage.setItem('weir.token', ${JSON.stringify(token)})`);
  await page.goto(`${url}/${view.hash}`);
  await page.waitForTimeout(SETTLE_MS);
  await view.prepare?.(page);
  const { width } = SIZES[shown.size];
  const height = view.prepare
    ? SIZES[shown.size].height
    : await page.evaluate<number>('document.documentElement.scrollHeight');
  const png = await page.screenshot({
    fullPage: true,
    clip: { x: 0, y: 0, width, height: Math.min(height, MOST_HEIGHT) },
  });
  await context.close();
  return png;
};

interface Shown {
  readonly size: keyof typeof SIZES;
  readonly scheme: (typeof SCHEMES)[number];
}

const SHOWN: readonly Shown[] = (['desktop', 'phone'] as const).flatMap((size) =>
  SCHEMES.map((scheme) => ({ size, scheme })),
);

/** Draws pictures side by side; runs in the page. */
const DRAW = `async (sources) => {
  const gap = 16;
  const images = await Promise.all(sources.map(async (source) => createImageBitmap(await (await fetch(source)).blob())));
  const canvas = document.createElement('canvas');
  canvas.width = images.reduce((sum, { width }) => sum + width + gap, -gap);
  canvas.height = Math.max(...images.map(({ height }) => height));
  let x = 0;
  for (const image of images) {
    canvas.getContext('2d').drawImage(image, x, 0);
    x += image.width + gap;
  }
  return canvas.toDataURL('image/webp', 0.6);
}`;

/** The pictures as one WebP. */
const sheetOf = async (browser: Browser, pngs: readonly Buffer[]): Promise<Buffer> => {
  const page = await browser.newPage();
  const urls = pngs.map((png) => `data:image/png;base64,${png.toString('base64')}`);
  const webp = await page.evaluate<string>(`(${DRAW})(${JSON.stringify(urls)})`);
  await page.close();
  return Buffer.from(webp.slice(webp.indexOf(',') + 1), 'base64');
};

await command({
  name: 'screenshots',
  about: 'Photographs every page of a console, such as the one of npm start while npm run traffic runs.',
  options: {
    url: text('<url>', 'of the console; default http://127.0.0.1:8788', 'http://127.0.0.1:8788'),
    to: text('<folder>', 'default docs/console', 'docs/console'),
    only: text('<page>', 'one page alone, such as trail'),
    pngs: text('<folder>', 'keeps each picture by itself there, too'),
  },
  notes: 'WEIR_ADMIN_TOKEN is the token to sign in with. It needs Chromium.',
  async run({ url, to, only, pngs }) {
    const token = process.env.WEIR_ADMIN_TOKEN;
    if (token === undefined) throw new UsageError('expected WEIR_ADMIN_TOKEN');
    for (const folder of [to, pngs]) if (folder !== undefined) await mkdir(folder, { recursive: true });
    await using stack = new AsyncDisposableStack();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    stack.defer(() => browser.close());
    const views = VIEWS.filter(({ name }) => only === undefined || name === only);
    for (const view of views) {
      const shots: Buffer[] = [];
      for (const shown of SHOWN) {
        const png = await shot(browser, url, token, view, shown);
        if (pngs) await writeFile(join(pngs, `${view.name}-${shown.size}-${shown.scheme}.png`), png);
        shots.push(png);
      }
      await writeFile(join(to, `${view.name}.webp`), await sheetOf(browser, shots));
    }
    return say(`${views.length} pages in ${to}\n`);
  },
});
