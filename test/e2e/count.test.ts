// What a request spent is known after its answer: statuses that count (`count`), and a cost that the origin tells
// (`cost_header`), on the built Worker.
import { createServer, request as open } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { serve } from '../../tools/demo/ports.ts';
import { call, leave } from '../fixtures/client.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

/** Requests that reached the origin. */
let reached = 0;

/** Answers with `?status=`, tells `?cost=` in a field, `?ms=` later; without end where `?never` is set. */
const server = createServer((request, response) => {
  reached++;
  const query = new URL(request.url ?? '/', 'http://origin').searchParams;
  const costs = query.getAll('cost');
  const headers = costs.length === 0 ? {} : { 'X-Cost': costs };
  if (query.has('never')) return;
  setTimeout(
    () => response.writeHead(Number(query.get('status') ?? 200), headers).end('x'),
    Number(query.get('ms') ?? 0),
  );
});

let origin = '';
let shared: Weir;
let unleased: Weir;
/** Whose origin is not there. */
let down: Weir;
/** Whose origin has six seconds. */
let slow: Weir;
/** The one that a test asks. */
let weir: Weir;

/** Opens a WebSocket, or refuses it with `?status=`. */
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  reached++;
  const status = new URL(request.url ?? '/', 'http://origin').searchParams.get('status');
  if (status === null) sockets.handleUpgrade(request, socket, head, () => {});
  else socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
});

const ALGORITHMS = ['sliding-window', 'gcra', 'fixed-window'];

/** `/gcra/login`, which a right password does not spend, and the like. */
const routes = ALGORITHMS.flatMap((algorithm) => {
  const route = (name: string, more: Record<string, unknown>) => ({
    name: `${algorithm}-${name}`,
    match: `/${algorithm}/${name}`,
    algorithm,
    ...more,
  });
  const model = { cost_header: 'X-Cost', limits: '20000/minute' };
  return [
    route('login', { limits: '3/minute', count: ['401'] }),
    route('fast', { limits: '3/second', count: ['401'] }),
    route('model', model),
    route('model-100', { ...model, cost: 100 }),
    route('model-1000', { ...model, cost: 1_000 }),
  ];
});

beforeAll(async () => {
  origin = await serve(server);
  const vars = { ORIGIN_URL: origin, LIMITS: '1000000/hour' };
  const once = { name: 'once', match: '/once', limits: '1/minute', count: ['401'] };
  const statuses = ['204', '304'].map((status) => ({
    name: status,
    match: `/${status}`,
    limits: '2/minute',
    count: [status],
  }));
  const ws = { match: '/ws', limits: '3/minute', count: ['101'], name: 'ws' };
  const told = { match: '/told', limits: '3/minute', count: ['4xx'], cost_header: 'X-Cost', name: 'told' };
  shared = await startWeir({
    isolates: 2,
    vars: { ...vars, ROUTES: [...routes, once, ...statuses, ws, told] },
  });
  unleased = await startWeir({ isolates: 2, vars: { ...vars, LEASES: 'off', ROUTES: routes } });
  const dead = ALGORITHMS.map((algorithm) => ({
    name: algorithm,
    match: `/${algorithm}`,
    algorithm,
    limits: '2/minute',
  }));
  const listed = { name: 'listed', match: '/listed', limits: '2/minute', count: ['5xx'] };
  down = await startWeir({ vars: { ...vars, ORIGIN_URL: 'http://127.0.0.1:1', ROUTES: [...dead, listed] } });
  const late = { name: 'late', match: '/late', limits: '2/hour', algorithm: 'gcra' };
  slow = await startWeir({
    vars: { ...vars, ORIGIN_TIMEOUT_MS: '6000', ROUTES: [...routes, late] },
  });
});
/** Each test is somebody else, whose quotas are whole. */
beforeEach(async () => {
  [weir, reached] = [shared, 0];
  authorization = await bearer({ sub: crypto.randomUUID() });
});
afterAll(async () => {
  for (const socket of sockets.clients) socket.terminate();
  for (const one of [shared, unleased, down, slow]) await one.close();
  server.close();
});

let authorization: Record<string, string> = {};

const send = (path: string, isolate = 0) =>
  call(`${weir.urls[isolate % weir.urls.length]}${path}`, { headers: authorization });

const statusOf = async (path: string, isolate = 0): Promise<number> => (await send(path, isolate)).status;

/** Three a minute are two orders of magnitude fewer. */
const SEVERAL = process.env.SOAK === undefined ? 300 : 1_000;

const RIGHT = 'login?status=200';
const WRONG = 'login?status=401';

describe.each(ALGORITHMS)('a login that counts only failures, under %s', (algorithm) => {
  it('of 3 a minute lets any number of right ones pass, one after another, and the fourth wrong one not', async () => {
    const right: number[] = [];
    for (let i = 0; i < (algorithm === 'sliding-window' ? SEVERAL : 100); i++)
      right.push(await statusOf(`/${algorithm}/${RIGHT}`));
    expect(right.filter((status) => status !== 200)).toEqual([]);
    const wrong: number[] = [];
    for (let i = 0; i < 4; i++) wrong.push(await statusOf(`/${algorithm}/${WRONG}`));
    expect(wrong).toEqual([401, 401, 401, 429]);
    const denied = await send(`/${algorithm}/${RIGHT}`);
    expect(denied.status).toBe(429);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(denied.headers['retry-after'])).toBeLessThanOrEqual(61);
  });

  it.each(['on', 'off'])(
    'of 3 a second lets right ones pass, and wrong ones no more than that, with LEASES %s',
    async (LEASES) => {
      weir = LEASES === 'on' ? shared : unleased;
      const right: number[] = [];
      for (let i = 0; i < 60; i++) right.push(await statusOf(`/${algorithm}/fast?status=200`, i));
      expect(right.filter((status) => status !== 200)).toEqual([]);
      const began = Date.now();
      const wrong = await Promise.all(
        Array.from({ length: 12 }, (_, i) => statusOf(`/${algorithm}/fast?status=401`, i)),
      );
      const windows = 2 + Math.floor((Date.now() - began) / 1_000);
      const passed = wrong.filter((status) => status === 401).length;
      expect(passed).toBeGreaterThanOrEqual(3);
      expect(passed).toBeLessThanOrEqual(3 * windows);
      expect(wrong.every((status) => status === 401 || status === 429)).toBe(true);
    },
  );

  it('has more right ones in flight than the quota wait for each other, over two isolates', async () => {
    const all = await Promise.all(
      Array.from({ length: 24 }, (_, i) => statusOf(`/${algorithm}/${RIGHT}&ms=40`, i)),
    );
    expect(all).toEqual(Array(24).fill(200));
  });

  it('has wrong ones in flight wait too, and refuses them once it is known', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, i) => statusOf(`/${algorithm}/${WRONG}&ms=60`, i)),
    );
    expect(all.filter((status) => status === 401).length).toBe(3);
    expect(all.filter((status) => status === 429).length).toBe(9);
    expect(reached).toBe(3);
  });
});

describe('a request whose origin fails', () => {
  it.each(ALGORITHMS)('spends nothing by default, under %s, for whom nobody answers', async (algorithm) => {
    weir = down;
    const all: number[] = [];
    for (let i = 0; i < 12; i++) all.push(await statusOf(`/${algorithm}`));
    expect(all).toEqual(Array(12).fill(502));
  });

  it('spends nothing where the origin is too slow, long after its permit was granted', async () => {
    weir = slow;
    expect(await Promise.all([statusOf('/late?never'), statusOf('/late?never')])).toEqual([504, 504]);
    await expect.poll(() => statusOf('/late'), { timeout: 5_000 }).toBe(200);
  });

  it('spends where its status is listed', async () => {
    weir = down;
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) seen.push(await statusOf('/listed'));
    expect(seen).toEqual([502, 502, 429]);
  });
});

/** What the fields say is left of the route's limit. */
const leftIn = (field: string | string[] | undefined): number =>
  Number(/model[-\d]*:20000\/minute";r=(\d+)/.exec(String(field))?.[1]);

describe.each(ALGORITHMS)('a cost that the origin tells, under %s', (algorithm) => {
  it('is what is spent, less or more than was asked, and nobody else sees it', async () => {
    const path = `/${algorithm}/model-1000`;
    const first = await send(`${path}?cost=5`);
    expect(first.headers['x-cost']).toBeUndefined();
    expect(leftIn(first.headers.ratelimit)).toBe(19_995);
    await expect
      .poll(async () => leftIn((await send(`${path}?cost=0`)).headers.ratelimit))
      .toBeGreaterThan(19_900);
    const second = await send(`${path}?cost=3500`);
    expect(leftIn(second.headers.ratelimit)).toBeGreaterThan(16_400);
    expect(leftIn(second.headers.ratelimit)).toBeLessThan(16_600);
  });

  it('is a debt where it exceeds what is left, which is paid before the next passes, though the object is evicted', async () => {
    const path = `/${algorithm}/model`;
    expect(await statusOf(`${path}?cost=50000`)).toBe(200);
    await expect.poll(() => statusOf(`${path}?cost=1`)).toBe(429);
    await weir.evictLimiters();
    const denied = await send(`${path}?cost=1`);
    expect(denied.status).toBe(429);
    // A fixed window ends with its minute.
    if (algorithm !== 'fixed-window') expect(Number(denied.headers['retry-after'])).toBeGreaterThan(50);
    if (algorithm === 'gcra') expect(Number(denied.headers['retry-after'])).toBeGreaterThan(85);
  });

  it('is the cost where it is no number, and none is less than nothing', async () => {
    const path = `/${algorithm}/model-100`;
    const told = [
      'garbage',
      '-5',
      '1e400',
      '1e3',
      '5&cost=7',
      '',
      '9999999999999999',
      '%20',
      '0x10',
      'NaN',
      'Infinity',
    ];
    for (const cost of told) {
      const before = leftIn((await send(`${path}?cost=0`)).headers.ratelimit);
      const after = leftIn((await send(`${path}?cost=${cost}`)).headers.ratelimit);
      // What gcra has paid meanwhile is 333 a second.
      expect([cost, Math.abs(before - after - 100) < (algorithm === 'gcra' ? 200 : 1)]).toEqual([cost, true]);
    }
  });

  it('exceeds the quota by no more than what was in flight', async () => {
    const began = Date.now();
    let spent = 0;
    const one = async (cost: number, isolate: number): Promise<void> => {
      if ((await statusOf(`/${algorithm}/model?cost=${cost}&ms=5`, isolate)) === 200) spent += cost;
    };
    const costs = Array.from({ length: 60 }, (_, i) => 1 + ((i * 1_237) % 5_000));
    for (let i = 0; i < costs.length; i += 4) await Promise.all(costs.slice(i, i + 4).map(one));
    const paid = algorithm === 'gcra' ? ((Date.now() - began) * 20_000) / 60_000 : 0;
    const windows =
      algorithm === 'fixed-window' ? 1 + Math.ceil(Date.now() % 60_000 < Date.now() - began ? 1 : 0) : 1;
    expect(spent).toBeGreaterThan(15_000);
    expect(spent).toBeLessThanOrEqual(windows * (20_000 + 4 * 5_000) + paid);
  });
});

/** A request that is sent, and whose client leaves when told to. */
const sent = (path: string) => {
  const request = open(`${weir.url}${path}`, { headers: authorization, agent: false });
  request.on('error', () => {}).end();
  return request;
};

describe('a caller who leaves', () => {
  it('has spent the cost, so that nobody hides a failure by leaving', async () => {
    // What nobody settled is known to be spent once its origin's time is over.
    weir = slow;
    for (let i = 0; i < 3; i++) {
      const leaving = sent(`/sliding-window/${WRONG}&ms=400`);
      await expect.poll(() => reached).toBe(i + 1);
      leave(leaving);
    }
    expect(await statusOf(`/sliding-window/${RIGHT}`)).toBe(429);
    expect(reached).toBe(3);
  });

  it('while it waits for others spends nothing, and is waited for by nobody', async () => {
    const path = '/once?status=200';
    const first = statusOf(`${path}&ms=1500`);
    await expect.poll(() => reached).toBe(1);
    const leaving = sent(path);
    const stays = statusOf(path);
    await expect.poll(() => leaving.writableFinished).toBe(true);
    leave(leaving);
    expect([await first, await stays]).toEqual([200, 200]);
    expect(await statusOf(path)).toBe(200);
  });
});

describe('answers without a body', () => {
  it.each(['204', '304'])('of %s count as any other', async (status) => {
    const path = `/${status}?status=${status}`;
    expect(await statusOf(`/${status}`)).toBe(200);
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) seen.push(await statusOf(path));
    expect(seen).toEqual([Number(status), Number(status), 429]);
  });
});

/** The status of a handshake; what is opened stays open. */
const dial = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(weir.url.replace('http', 'ws') + path, { headers: authorization });
    socket.on('upgrade', ({ statusCode }) => resolve(statusCode ?? 0));
    socket.on('unexpected-response', (_, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('error', reject);
  });

describe('a WebSocket', () => {
  it('counts as 101: it has spent while it is open still, where that is listed', async () => {
    for (let i = 0; i < 4; i++) expect(await dial('/ws?status=403')).toBe(403);
    expect([await dial('/ws'), await dial('/ws'), await dial('/ws'), await dial('/ws')]).toEqual([
      101, 101, 101, 429,
    ]);
    expect(reached).toBe(7);
  });

  it('has its permit back at once where it is not, and a handshake that is refused spends', async () => {
    for (let i = 0; i < 6; i++) expect(await dial('/told')).toBe(101);
    const refused = [403, 403, 403, 403].map((status) => () => dial(`/told?status=${status}`));
    const seen: number[] = [];
    for (const one of refused) seen.push(await one());
    expect(seen).toEqual([403, 403, 403, 429]);
    expect(await dial('/told')).toBe(429);
  });
});
