// What a request spent is known after its answer: statuses that count (`count`), and a cost that the origin tells
// (`cost_header`), on the built Worker.
import { createServer, request as open } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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
let weir: Weir;

/** Opens a WebSocket, or refuses it with `?status=`. */
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  reached++;
  const status = new URL(request.url ?? '/', 'http://origin').searchParams.get('status');
  if (status === null) sockets.handleUpgrade(request, socket, head, () => {});
  else socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
});

beforeAll(async () => {
  origin = await serve(server);
});
afterEach(() => weir.close());
afterAll(() => {
  for (const socket of sockets.clients) socket.terminate();
  server.close();
});

const start = async (vars: Record<string, unknown>, isolates = 1): Promise<void> => {
  reached = 0;
  weir = await startWeir({ vars: { ORIGIN_URL: origin, LIMITS: '1000000/hour', ...vars }, isolates });
};

let authorization: Record<string, string> = {};
beforeAll(async () => {
  authorization = await bearer();
});

const send = (path: string, isolate = 0) =>
  call(`${weir.urls[isolate % weir.urls.length]}${path}`, { headers: authorization });

const statusOf = async (path: string, isolate = 0): Promise<number> => (await send(path, isolate)).status;

const RIGHT = '/login?status=200';
const WRONG = '/login?status=401';

const login = (limits: string, more: Record<string, unknown> = {}) => ({
  ROUTES: [{ name: 'login', match: '/login', limits, count: ['401'], ...more }],
});

const ALGORITHMS = ['sliding-window', 'gcra', 'fixed-window'];
const LEASES = ['on', 'off'];

describe.each(ALGORITHMS)('a login that counts only failures, under %s', (algorithm) => {
  it('of 3 a minute lets any number of right ones pass, one after another, and the fourth wrong one not', async () => {
    await start(login('3/minute', { algorithm }));
    const right: number[] = [];
    for (let i = 0; i < (algorithm === 'sliding-window' ? 1_000 : 100); i++)
      right.push(await statusOf(RIGHT));
    expect(right.filter((status) => status !== 200)).toEqual([]);
    const wrong: number[] = [];
    for (let i = 0; i < 4; i++) wrong.push(await statusOf(WRONG));
    expect(wrong).toEqual([401, 401, 401, 429]);
    const denied = await send(RIGHT);
    expect(denied.status).toBe(429);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(denied.headers['retry-after'])).toBeLessThanOrEqual(61);
  });

  it.each(LEASES)(
    'of 3 a second lets right ones pass, and wrong ones no more than that, with LEASES %s',
    async (LEASES) => {
      await start({ LEASES, ...login('3/second', { algorithm }) }, 2);
      const right: number[] = [];
      for (let i = 0; i < 60; i++) right.push(await statusOf(RIGHT, i));
      expect(right.filter((status) => status !== 200)).toEqual([]);
      const began = Date.now();
      const wrong = await Promise.all(Array.from({ length: 12 }, (_, i) => statusOf(WRONG, i)));
      const windows = 2 + Math.floor((Date.now() - began) / 1_000);
      const passed = wrong.filter((status) => status === 401).length;
      expect(passed).toBeGreaterThanOrEqual(3);
      expect(passed).toBeLessThanOrEqual(3 * windows);
      expect(wrong.every((status) => status === 401 || status === 429)).toBe(true);
    },
  );

  it('has more right ones in flight than the quota wait for each other, over two isolates', async () => {
    await start(login('3/minute', { algorithm }), 2);
    const all = await Promise.all(Array.from({ length: 24 }, (_, i) => statusOf(`${RIGHT}&ms=40`, i)));
    expect(all).toEqual(Array(24).fill(200));
  });

  it('has wrong ones in flight wait too, and refuses them once it is known', async () => {
    await start(login('3/minute', { algorithm }), 2);
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => statusOf(`${WRONG}&ms=60`, i)));
    expect(all.filter((status) => status === 401).length).toBe(3);
    expect(all.filter((status) => status === 429).length).toBe(9);
    expect(reached).toBe(3);
  });
});

describe('a request whose origin fails', () => {
  it.each(ALGORITHMS)('spends nothing by default, under %s, for whom nobody answers', async (ALGORITHM) => {
    await start({ LIMITS: '2/minute', ALGORITHM, ORIGIN_URL: 'http://127.0.0.1:1' });
    const all: number[] = [];
    for (let i = 0; i < 12; i++) all.push(await statusOf('/'));
    expect(all).toEqual(Array(12).fill(502));
  });

  it('spends nothing where the origin is too slow, long after its permit was granted', async () => {
    await start({ LIMITS: '2/hour', ALGORITHM: 'gcra', ORIGIN_TIMEOUT_MS: '6000' });
    const slow = await Promise.all([statusOf('/?never'), statusOf('/?never')]);
    expect(slow).toEqual([504, 504]);
    await expect.poll(() => statusOf('/'), { timeout: 5_000 }).toBe(200);
  });

  it('spends where its status is listed', async () => {
    const route = { name: 'all', match: '/*', limits: '2/minute', count: ['5xx'] };
    await start({ ORIGIN_URL: 'http://127.0.0.1:1', ROUTES: [route] });
    expect([await statusOf('/'), await statusOf('/'), await statusOf('/')]).toEqual([502, 502, 429]);
  });
});

const model = (more: Record<string, unknown> = {}) => ({
  ROUTES: [{ name: 'model', match: '/model', cost_header: 'X-Cost', limits: '20000/minute', ...more }],
});

/** What the fields say is left of the route's limit. */
const leftIn = (field: string | string[] | undefined): number =>
  Number(/"model:20000\/minute";r=(\d+)/.exec(String(field))?.[1]);

describe.each(ALGORITHMS)('a cost that the origin tells, under %s', (algorithm) => {
  it('is what is spent, less or more than was asked, and nobody else sees it', async () => {
    await start(model({ cost: 1_000, algorithm }));
    const first = await send('/model?cost=5');
    expect(first.headers['x-cost']).toBeUndefined();
    expect(leftIn(first.headers.ratelimit)).toBe(19_995);
    await expect
      .poll(async () => leftIn((await send('/model?cost=0')).headers.ratelimit))
      .toBeGreaterThan(19_900);
    const second = await send('/model?cost=3500');
    expect(leftIn(second.headers.ratelimit)).toBeGreaterThan(16_400);
    expect(leftIn(second.headers.ratelimit)).toBeLessThan(16_600);
  });

  it('is a debt where it exceeds what is left, which is paid before the next passes, though the object is evicted', async () => {
    await start(model({ algorithm }));
    expect(await statusOf('/model?cost=50000')).toBe(200);
    await expect.poll(() => statusOf('/model?cost=1')).toBe(429);
    await weir.evictLimiters();
    const denied = await send('/model?cost=1');
    expect(denied.status).toBe(429);
    // A fixed window ends with its minute.
    if (algorithm !== 'fixed-window') expect(Number(denied.headers['retry-after'])).toBeGreaterThan(50);
    if (algorithm === 'gcra') expect(Number(denied.headers['retry-after'])).toBeGreaterThan(85);
  });

  it('is the cost where it is no number, and none is less than nothing', async () => {
    await start(model({ cost: 100, algorithm }));
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
      const before = leftIn((await send('/model?cost=0')).headers.ratelimit);
      const after = leftIn((await send(`/model?cost=${cost}`)).headers.ratelimit);
      // What gcra has paid meanwhile is 333 a second.
      expect([cost, Math.abs(before - after - 100) < (algorithm === 'gcra' ? 200 : 1)]).toEqual([cost, true]);
    }
  });

  it('exceeds the quota by no more than what was in flight', async () => {
    await start(model({ algorithm }), 2);
    const began = Date.now();
    let spent = 0;
    const one = async (cost: number, isolate: number): Promise<void> => {
      if ((await statusOf(`/model?cost=${cost}&ms=5`, isolate)) === 200) spent += cost;
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
    await start(login('3/minute'));
    for (let i = 0; i < 3; i++) {
      const leaving = sent(`${WRONG}&ms=400`);
      await expect.poll(() => reached).toBe(i + 1);
      leave(leaving);
    }
    expect(await statusOf(RIGHT)).toBe(429);
    expect(reached).toBe(3);
  });

  it('while it waits for others spends nothing, and is waited for by nobody', async () => {
    await start(login('1/minute'));
    const first = statusOf(`${RIGHT}&ms=1500`);
    await expect.poll(() => reached).toBe(1);
    const leaving = sent(RIGHT);
    const stays = statusOf(RIGHT);
    await expect.poll(() => leaving.writableFinished).toBe(true);
    leave(leaving);
    expect([await first, await stays]).toEqual([200, 200]);
    expect(await statusOf(RIGHT)).toBe(200);
  });
});

describe('answers without a body', () => {
  it.each(['204', '304'])('of %s count as any other', async (status) => {
    const counted = { name: 'all', match: '/*', limits: '2/minute', count: [status] };
    await start({ ROUTES: [counted] });
    const path = `/?status=${status}`;
    expect([await statusOf('/'), await statusOf(path), await statusOf(path), await statusOf(path)]).toEqual([
      200,
      Number(status),
      Number(status),
      429,
    ]);
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
  const route = { name: 'ws', match: '/ws', limits: '3/minute' };

  it('counts as 101: it has spent while it is open still, where that is listed', async () => {
    await start({ ROUTES: [{ ...route, count: ['101'] }] });
    for (let i = 0; i < 4; i++) expect(await dial('/ws?status=403')).toBe(403);
    expect([await dial('/ws'), await dial('/ws'), await dial('/ws'), await dial('/ws')]).toEqual([
      101, 101, 101, 429,
    ]);
    expect(reached).toBe(7);
  });

  it('has its permit back at once where it is not, and a handshake that is refused spends', async () => {
    await start({ ROUTES: [{ ...route, count: ['4xx'], cost_header: 'X-Cost' }] });
    for (let i = 0; i < 6; i++) expect(await dial('/ws')).toBe(101);
    const refused = [403, 403, 403, 403].map((status) => () => dial(`/ws?status=${status}`));
    const seen: number[] = [];
    for (const one of refused) seen.push(await one());
    expect(seen).toEqual([403, 403, 403, 429]);
    expect(await dial('/ws')).toBe(429);
  });
});
