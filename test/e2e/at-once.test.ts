// Requests in flight, at the built Worker: never more than the limit at the origin over all isolates, none refused below it, and a
// slot is held for as long as its answer lasts.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as open, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, leave, responseTo } from '../fixtures/client.ts';
import { failing } from '../fixtures/limiters.ts';
import { gzipped, type Origin, startOrigin } from '../fixtures/origin.ts';
import { pidListeningOn } from '../fixtures/process.ts';
import { scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

/** An origin that answers when it is told to, or after a while, and knows how many requests it has. */
class SlowOrigin {
  readonly #server = createServer((request, response) => this.#serve(request.url ?? '', response));
  readonly #open = new Set<ServerResponse>();
  /** The most at one time. */
  most = 0;
  served = 0;
  /** Milliseconds times requests in flight, and since when. */
  #busy = 0;
  #since = 0;

  get inFlight(): number {
    return this.#open.size;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests in flight on average, from `start` on. */
  average(start: number): number {
    this.#note();
    return this.#busy / (performance.now() - start);
  }

  clear(): number {
    this.most = 0;
    this.served = 0;
    this.#busy = 0;
    this.#since = performance.now();
    return this.#since;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #note(): void {
    this.#busy += this.#open.size * (performance.now() - this.#since);
    this.#since = performance.now();
  }

  #serve(url: string, response: ServerResponse): void {
    this.#note();
    this.#open.add(response);
    this.most = Math.max(this.most, this.#open.size);
    const end = () => {
      this.#note();
      if (this.#open.delete(response)) this.served++;
    };
    response.on('close', end);
    const answer = () => {
      end();
      response.end('done');
    };
    setTimeout(answer, Number(new URL(url, this.url).searchParams.get('ms') ?? 0));
  }
}

let origin: Origin;
let slow: SlowOrigin;
let nextCaller = 0;

/** A caller of its own for each test. */
const someone = (claims: Record<string, unknown> = {}) =>
  bearer({ sub: `caller-${nextCaller++}`, ...claims });

const isolates: Weir[] = [];
const start = async (...options: Parameters<typeof startWeir>): Promise<Weir> => {
  const weir = await startWeir(...options);
  isolates.push(weir);
  return weir;
};

beforeAll(async () => {
  origin = await startOrigin();
  slow = await new SlowOrigin().listen();
});
afterAll(async () => {
  await Promise.all(isolates.map((weir) => weir.close()));
  await slow.close();
  await origin.close();
});

describe('over 4 isolates', () => {
  let weir: Weir;
  beforeAll(async () => {
    weir = await start({
      isolates: 4,
      vars: {
        ORIGIN_URL: slow.url,
        LIMITS: '5 at once; 100000/minute',
        ON_LIMITER_ERROR: 'closed',
        LIMITER_TIMEOUT_MS: '10000',
        ROUTES: JSON.stringify([
          { name: 'one', match: '/one', limits: '1 at once', override_defaults: true },
          { name: 'team', match: '/team', limits: '3 at once by org.id' },
        ]),
      },
    });
  });

  test('`5 at once`: never more, hardly ever fewer while others wait, and everybody gets through', async () => {
    const headers = await someone();
    const count = scaled(60, 200);
    const began = slow.clear();
    let waiting = count;
    let average = 0;
    const send = async (isolate: number): Promise<void> => {
      for (;;) {
        const response = await fetch(`${weir.urls[isolate]}/?ms=400`, { headers });
        await response.arrayBuffer();
        if (response.status === 200) break;
        expect([429, 503]).toContain(response.status);
        await delay(250);
      }
      // Once fewer wait than may be in flight, they are not saturated any more.
      if (--waiting === 10) average = slow.average(began);
    };
    await Promise.all(Array.from({ length: count }, (_, i) => send(i % 4)));
    tell(`at most ${slow.most} in flight, ${average.toFixed(2)} on average`);
    expect(slow.served).toBe(count);
    expect(slow.most).toBe(5);
    // How fast a slot changes hands is a matter of the machine, so that a busy one decides nothing.
    expect(average).toBeGreaterThan(scaled(0, 4.5));
  });

  test('who sends one request after the other is never refused under `1 at once`, wherever they come in', async () => {
    const headers = await someone();
    const statuses: number[] = [];
    for (let i = 0; i < 80; i++) {
      const response = await fetch(`${weir.urls[i % 4]}/one`, { headers });
      await response.arrayBuffer();
      statuses.push(response.status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('`by org.id` counts the requests of a whole organisation', async () => {
    const callers = await Promise.all(Array.from({ length: 6 }, () => someone({ org: { id: 'acme' } })));
    slow.clear();
    const statuses = await Promise.all(
      callers.map(
        async (headers, i) => (await fetch(`${weir.urls[i % 4]}/team?ms=3000`, { headers })).status,
      ),
    );
    expect(slow.most).toBe(3);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    const other = await fetch(`${weir.urls[0]}/team`, { headers: await someone({ org: { id: 'other' } }) });
    expect(other.status).toBe(200);
  });
});

describe('a slot', () => {
  let weir: Weir;
  let headers: { Authorization: string };
  beforeAll(async () => {
    weir = await start({
      vars: {
        ORIGIN_URL: origin.url,
        LIMITS: '2 at once; 1000/minute',
        ORIGIN_TIMEOUT_MS: '60000',
        ROUTES: JSON.stringify([
          { name: 'shadowed', match: '/status/*', limits: '1 at once', mode: 'shadow' },
          { name: 'sockets', match: '/ws', limits: 'none' },
        ]),
      },
    });
  });

  const get = (path: string, method = 'GET') => {
    const request = open(weir.url + path, { method, headers, agent: false });
    request.end();
    return request;
  };

  /** Two requests whose answers have begun. */
  const twoStreams = async () => {
    headers = await someone();
    const requests = [get('/sse'), get('/sse')];
    await Promise.all(requests.map(responseTo));
    return requests;
  };

  const status = async (path = '/echo') => (await call(weir.url + path, { headers })).status;

  test('is held for as long as the answer lasts, and free again once it has ended', async () => {
    await twoStreams();
    expect(await status()).toBe(429);
    origin.finish();
    expect(await status()).toBe(200);
  });

  test('is free again when its client leaves', async () => {
    const [first] = await twoStreams();
    expect(await status()).toBe(429);
    if (first) leave(first);
    await expect.poll(() => status(), { timeout: 5_000 }).toBe(200);
    origin.finish();
  });

  test('is free again when its client leaves before there is an answer', async () => {
    headers = await someone();
    const hanging = [get('/hang'), get('/hang')];
    await Promise.all([origin.next('/hang'), origin.next('/hang')]);
    expect(await status()).toBe(429);
    for (const request of hanging) leave(request);
    await expect.poll(() => status(), { timeout: 5_000 }).toBe(200);
  });

  test('is free again after an answer that breaks off, has no body, or is our own', async () => {
    headers = await someone();
    for (const path of ['/cut', '/cut', '/reset', '/status/204', '/status/304', '/redirect', '/reset'])
      await call(weir.url + path, { headers }).catch(() => undefined);
    for (const method of ['HEAD', 'OPTIONS', 'HEAD'])
      await call(`${weir.url}/big?bytes=9`, { method, headers });
    const streams = [get('/sse'), get('/sse')];
    const answers = await Promise.all(streams.map(responseTo));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    origin.finish();
  });

  test('that is not there is a 429 of its own: no Retry-After, and no permit spent', async () => {
    await twoStreams();
    const refused = await Promise.all(Array.from({ length: 6 }, () => call(`${weir.url}/echo`, { headers })));
    for (const answer of refused) {
      expect(answer.status).toBe(429);
      expect(answer.headers).not.toHaveProperty('retry-after');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.json()).toEqual({
        type: 'https://www.npmjs.com/package/weir-edge#concurrency-limit-exceeded',
        title: 'Concurrency Limit Exceeded',
        status: 429,
        'violated-policies': ['2 at once'],
      });
      expect(answer.headers.ratelimit).toContain('"2 at once";r=0');
    }
    origin.finish();
    const last = await call(`${weir.url}/echo`, { headers });
    expect(last.headers['ratelimit-policy']).toBe(
      '"1000/minute";q=1000;w=60, "2 at once";q=2;qu="concurrent-requests"',
    );
    // Two streams and this one.
    expect(last.headers.ratelimit).toMatch(/^"1000\/minute";r=997;t=\d+, "2 at once";r=[01]$/);
  });

  test('changes no byte of the answer', async () => {
    headers = await someone();
    const bare = async (path: string, method = 'GET') => {
      const answer = await call(weir.url + path, {
        method,
        headers: { ...headers, 'Accept-Encoding': 'gzip' },
      });
      const {
        'content-length': length,
        'content-encoding': coding,
        'transfer-encoding': framing,
      } = answer.headers;
      return { status: answer.status, length, coding, framing, body: answer.body };
    };
    expect(await bare('/gzip')).toMatchObject({ coding: 'gzip', body: gzipped });
    const big = await bare('/big?bytes=300000');
    expect([big.status, big.length, big.framing, big.body.length]).toEqual([
      200,
      '300000',
      undefined,
      300_000,
    ]);
    expect(await bare('/big?bytes=300000', 'HEAD')).toMatchObject({ status: 200, length: '300000' });
    expect(await bare('/status/204')).toMatchObject({ status: 204, framing: undefined });
    expect((await bare('/status/304')).status).toBe(304);
  });

  test('is not to be had by a WebSocket, whose end nobody can tell; a route without `at once` takes them', async () => {
    headers = await someone();
    const upgrade = {
      ...headers,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
    };
    const key = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    expect((await call(`${weir.url}/socket`, { headers: { ...upgrade, ...key } })).status).toBe(501);
    const request = open(`${weir.url}/ws`, { headers: { ...upgrade, ...key }, agent: false });
    request.end();
    const [response] = await once(request, 'upgrade');
    expect(response.statusCode).toBe(101);
    request.destroy();
    origin.hangUp();
  });

  test('in shadow mode refuses nobody', async () => {
    await twoStreams();
    origin.finish();
    const both = await Promise.all([status('/status/200'), status('/status/200'), status('/status/200')]);
    expect(both.filter((each) => each === 200).length).toBeGreaterThanOrEqual(2);
  });
});

describe('without a Limiter', () => {
  const statusesUnder = async (policy: string): Promise<number[]> => {
    const weir = await start({
      ...(await failing.down()),
      vars: {
        ORIGIN_URL: slow.url,
        LIMITS: '2 at once',
        ON_LIMITER_ERROR: policy,
        LIMITER_TIMEOUT_MS: '100',
      },
    });
    const headers = await someone();
    // One after the other, so that each finds out by itself that nobody answers; all are in flight together.
    const answers = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        await delay(400 * i);
        return fetch(`${weir.url}/?ms=5000`, { headers });
      }),
    );
    return answers.map(({ status }) => status).sort();
  };

  test('`local` counts in the isolate, `open` lets pass, `closed` answers 503', async () => {
    expect(await statusesUnder('local')).toEqual([200, 200, 429, 429, 429]);
    expect(await statusesUnder('open')).toEqual([200, 200, 200, 200, 200]);
    expect(await statusesUnder('closed')).toEqual([503, 503, 503, 503, 503]);
  });
});

test.runIf(scaled(0, 1) === 1)(
  'slots of isolates that are killed, with the object itself, are free again within 30 s, and not before',
  async () => {
    const persist = await mkdtemp(join(tmpdir(), 'weir-slots-'));
    const options = { persist, vars: { ORIGIN_URL: origin.url, LIMITS: '1 at once' } };
    const first = await startWeir(options);
    const headers = await someone();
    const hanging = open(`${first.url}/hang`, { headers, agent: false });
    hanging.on('error', () => undefined);
    hanging.end();
    await origin.next('/hang');
    const killed = performance.now();
    process.kill(pidListeningOn(Number(new URL(first.url).port)) ?? 0, 'SIGKILL');
    const second = await start(options);
    const status = async () => (await call(`${second.url}/echo`, { headers })).status;
    expect(await status()).toBe(429);
    await expect.poll(status, { timeout: 40_000, interval: 250 }).toBe(200);
    const seconds = (performance.now() - killed) / 1_000;
    tell(`free ${seconds.toFixed(1)} s after the kill`);
    expect(seconds).toBeLessThan(30);
    await first.close().catch(() => undefined);
    await rm(persist, { recursive: true, force: true });
  },
);
