// Bodies stream through the built Worker: as they come, compressed as they are, in flat memory, until somebody leaves.
import { once } from 'node:events';
import { type ClientRequest, request as open } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call, leave, responseTo } from '../fixtures/client.ts';
import { brotlied, compressible, gzipped, type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const MEGABYTE = 1_000_000;
const SIZE = (process.env.SOAK === undefined ? 100 : 200) * MEGABYTE;
/** Milliseconds that no busy machine needs for a response's headers, but that a test can wait out. */
const TIMEOUT = 1_000;
/** Far below `SIZE`, and above what V8 and the allocator keep for themselves. */
const FLAT = 64 * MEGABYTE;

let origin: Origin;
let weir: Weir;
let headers: { Authorization: string };

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({
    vars: { ORIGIN_URL: origin.url, LIMITS: '100000/minute', ORIGIN_TIMEOUT_MS: TIMEOUT },
  });
  headers = await bearer();
});
afterAll(async () => {
  await weir.close();
  await origin.close();
});
beforeEach(() => origin.clear());

/** What workerd's memory grew by at most while `work` ran. */
const growth = async (work: () => Promise<unknown>): Promise<number> => {
  const before = weir.memory();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, weir.memory());
  }, 20);
  await work().finally(() => clearInterval(timer));
  return peak - before;
};

/** `bytes` bytes in pieces of 64 KiB. */
function* pieces(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024, 'weir');
  for (let left = bytes; left > 0; left -= piece.length)
    yield piece.subarray(0, Math.min(left, piece.length));
}

const start = (path: string, method = 'GET', more: Record<string, string | number> = {}): ClientRequest =>
  open(weir.url + path, { method, headers: { ...headers, ...more } });

describe(`${SIZE / MEGABYTE} MB`, () => {
  test('come down in flat memory', async () => {
    let bytes = 0;
    const grown = await growth(async () => {
      const request = start(`/big?bytes=${SIZE}`);
      request.end();
      const response = await responseTo(request);
      expect(response.headers['content-length']).toBe(String(SIZE));
      for await (const chunk of response) bytes += chunk.length;
    });
    expect(bytes).toBe(SIZE);
    expect(grown).toBeLessThan(FLAT);
  });

  test.each([
    ['of a length told beforehand', { 'Content-Length': String(SIZE) }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('go up %s in flat memory', async (_name, framing) => {
    const grown = await growth(async () => {
      const request = start('/sink', 'POST', framing);
      const response = responseTo(request);
      await pipeline(Readable.from(pieces(SIZE)), request);
      expect((await response).statusCode).toBe(200);
      (await response).resume();
    });
    expect(origin.last.bytes).toBe(SIZE);
    for (const [name, value] of Object.entries(framing))
      expect(origin.last.headers[name.toLowerCase()]).toBe(value);
    expect(grown).toBeLessThan(FLAT);
  });

  test('wait at the origin for a client that does not read', async () => {
    const grown = await growth(async () => {
      const request = start(`/big?bytes=${SIZE}`);
      request.end();
      const response = await responseTo(request);
      const [chunk] = (await once(response, 'data')) as [Buffer];
      response.pause();
      await elapsed(500);
      expect(origin.last.sent).toBeLessThan(FLAT);
      let bytes = chunk.length;
      for await (const rest of response) bytes += rest.length;
      expect(bytes).toBe(SIZE);
    });
    expect(grown).toBeLessThan(FLAT);
  });
});

describe('compressed responses', () => {
  test.each([
    ['gzip', gzipped],
    ['br', brotlied],
  ])('in %s arrive byte for byte', async (coding, bytes) => {
    const answer = await call(`${weir.url}/${coding}`, {
      headers: { ...headers, 'Accept-Encoding': 'gzip, br' },
    });
    expect(answer.headers['content-encoding']).toBe(coding);
    expect(answer.body.equals(bytes)).toBe(true);
  });

  test('arrive compressed even where the client asked for none', async () => {
    const answer = await call(`${weir.url}/gzip`, { headers });
    expect(gunzipSync(answer.body).toString()).toBe(compressible);
  });

  test('are negotiated between client and origin alone', async () => {
    await call(`${weir.url}/echo`, { headers: { ...headers, 'Accept-Encoding': 'br;q=0.5, zstd' } });
    expect(origin.last.headers['accept-encoding']).toBe('br;q=0.5, zstd');
    await call(`${weir.url}/echo`, { headers });
    expect(origin.last.headers['accept-encoding']).toBeUndefined();
  });

  test('of a HEAD keep their coding', async () => {
    const answer = await call(`${weir.url}/gzip`, { method: 'HEAD', headers });
    expect(answer.headers['content-encoding']).toBe('gzip');
  });
});

describe('server-sent events', () => {
  test('arrive one by one, as they are sent', async () => {
    const request = start('/sse');
    request.end();
    const response = await responseTo(request);
    expect(response.headers['content-type']).toBe('text/event-stream');
    for (const data of ['one', 'two', 'three']) {
      origin.emit(data);
      expect(String((await once(response, 'data'))[0])).toBe(`data: ${data}\n\n`);
    }
    origin.finish();
    await once(response.resume(), 'end');
  });

  test('may pause for longer than ORIGIN_TIMEOUT_MS', async () => {
    const request = start('/sse');
    request.end();
    const response = await responseTo(request);
    await elapsed(TIMEOUT * 1.2);
    origin.emit('late');
    expect(String((await once(response, 'data'))[0])).toBe('data: late\n\n');
    origin.finish();
    await once(response.resume(), 'end');
  });
});

describe('an upload', () => {
  test('that takes longer than ORIGIN_TIMEOUT_MS is not cut', async () => {
    const request = start('/sink', 'POST', { 'Content-Length': 5 });
    const response = responseTo(request);
    for (const letter of 'slow') {
      request.write(letter);
      await elapsed(TIMEOUT * 0.3);
    }
    request.end('!');
    expect((await response).statusCode).toBe(200);
    expect(origin.last.bytes).toBe(5);
    (await response).resume();
  });

  test('reaches the origin as it is sent, not at its end', async () => {
    const arriving = origin.next('/sink');
    const request = start('/sink', 'POST');
    request.write('first');
    await (await arriving).received(5);
    const response = responseTo(request);
    request.end('second');
    (await response).resume();
    expect(origin.last.bytes).toBe(11);
  });

  test('may be answered before it has ended', async () => {
    const request = start('/early', 'POST');
    request.write('first');
    const response = await responseTo(request);
    expect(response.statusCode).toBe(200);
    request.end('rest');
    response.resume();
    await once(response, 'end');
  });
});

describe('a client that leaves', () => {
  /** The built Worker, with a `waitUntil` that outlives every test on each request. */
  let busy: Weir;
  const wrapper = `
    import weir, { Limiter } from './index.js';
    export { Limiter };
    export default {
      fetch(request, env, ctx) {
        ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 20_000)));
        return weir.fetch(request, env, ctx);
      },
    };`;
  beforeAll(async () => {
    busy = await startWeir({ wrapper, vars: { ORIGIN_URL: origin.url, LIMITS: '100000/minute' } });
  });
  afterAll(() => busy.close());

  const departure = async (to: Weir, path: string, method: string, when: 'headers' | 'at once') => {
    const arriving = origin.next(path);
    const request = open(to.url + path, { method, headers });
    const response = responseTo(request).catch(() => undefined);
    if (method === 'POST') request.write('half');
    else request.end();
    const seen = await arriving;
    if (when === 'headers') (await response)?.on('error', () => {});
    leave(request);
    await seen.aborted;
  };

  describe.each([
    ['', () => weir],
    [' even while a waitUntil is pending', () => busy],
  ])('cancels the origin request%s', (_name, to) => {
    test('before the response', () => departure(to(), '/hang', 'GET', 'at once'));
    test('in the middle of events', () => departure(to(), '/sse', 'GET', 'headers'));
    test('in the middle of a download', () => departure(to(), `/big?bytes=${SIZE}`, 'GET', 'headers'));
    test('in the middle of an upload', () => departure(to(), '/sink', 'POST', 'at once'));
  });
});

/** Real time is what these tests are about. */
const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
