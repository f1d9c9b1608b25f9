// WebSockets pass the built Worker both ways: messages, subprotocols, close codes, and whoever goes first.
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

let origin: Origin;
let weir: Weir;
let headers: Record<string, string>;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({ vars: { ORIGIN_URL: origin.url, LIMITS: '3/hour', ORIGIN_TIMEOUT_MS: 1_000 } });
});
afterAll(async () => {
  await weir.close();
  await origin.close();
});
let caller = 0;
beforeEach(async () => {
  origin.clear();
  headers = await bearer({ sub: `caller-${caller++}` });
});

const dial = (path = '/ws', protocols: string[] = [], more: Record<string, string> = {}): WebSocket =>
  new WebSocket(weir.url.replace('http', 'ws') + path, protocols, { headers: { ...headers, ...more } });

const opened = async (socket: WebSocket): Promise<WebSocket> => {
  await once(socket, 'open');
  return socket;
};

const closing = async (socket: WebSocket): Promise<[code: number, reason: string]> => {
  const [code, reason] = await once(socket, 'close');
  return [code, String(reason)];
};

/** The status of a handshake that was refused. */
const refusal = async (socket: WebSocket) => {
  const [, response] = await once(socket, 'unexpected-response');
  socket.on('error', () => {});
  response.destroy();
  return response;
};

describe('messages', () => {
  test('pass both ways, text as text and bytes as bytes', async () => {
    const socket = await opened(dial());
    socket.send('grüß dich');
    expect((await once(socket, 'message')).map(String)).toEqual(['grüß dich', 'false']);
    const bytes = Buffer.from([0, 255, 128, 7]);
    socket.send(bytes);
    const [data, binary] = await once(socket, 'message');
    expect([bytes.equals(data), binary]).toEqual([true, true]);
    socket.terminate();
  });

  test('of 500 KB pass whole', async () => {
    const socket = await opened(dial());
    socket.send('weir'.repeat(125_000));
    expect(String((await once(socket, 'message'))[0])).toBe('weir'.repeat(125_000));
    socket.terminate();
  });

  test('still pass after ORIGIN_TIMEOUT_MS', async () => {
    const socket = await opened(dial());
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    socket.send('late');
    expect(String((await once(socket, 'message'))[0])).toBe('late');
    socket.terminate();
  });
});

describe('the end', () => {
  test('comes with code and reason from the origin', async () => {
    const socket = await opened(dial());
    socket.send('close:4001:bye');
    expect(await closing(socket)).toEqual([4001, 'bye']);
  });

  test('comes with code and reason from the client', async () => {
    const socket = await opened(dial());
    const ends = Promise.all([origin.closed(), closing(socket)]);
    socket.close(4002, 'enough');
    expect(await ends).toEqual([{ code: 4002, reason: 'enough' }, [4002, 'enough']]);
  });

  test('without a code stays without one', async () => {
    const socket = await opened(dial());
    const closed = origin.closed();
    socket.close();
    expect((await closed).code).toBe(1005);
  });

  test('reaches the origin when the client just goes', async () => {
    const socket = await opened(dial());
    const closed = origin.closed();
    socket.terminate();
    expect((await closed).code).toBe(1006);
  });

  test('reaches the client when the origin just goes', async () => {
    const socket = await opened(dial());
    socket.on('error', () => {});
    const closed = closing(socket);
    origin.hangUp();
    expect((await closed)[0]).toBe(1006);
  });
});

describe('the handshake', () => {
  test('carries the identity, and never the client’s idea of it', async () => {
    const socket = await opened(
      dial('/ws/a%2Fb?x=1', [], { 'X-Auth-Subject': 'admin', x_auth_subject: 'admin' }),
    );
    socket.terminate();
    expect(origin.last).toMatchObject({ upgrade: true, url: '/ws/a%2Fb?x=1' });
    expect(origin.last.headers['x-auth-subject']).toMatch(/^caller-\d+$/);
    expect(origin.last.rawHeaders).not.toContain('admin');
  });

  test('agrees on a subprotocol', async () => {
    const socket = await opened(dial('/ws', ['v2.weir', 'v1.weir']));
    expect(socket.protocol).toBe('v2.weir');
    socket.terminate();
  });

  test('returns RateLimit fields and spends a permit', async () => {
    const socket = dial();
    const [response] = await once(socket, 'upgrade');
    expect(response.headers['ratelimit-policy']).toBe('"3/hour";q=3;w=3600');
    expect(response.headers.ratelimit).toMatch(/^"3\/hour";r=2;/);
    socket.on('open', () => socket.terminate());
  });

  test('is refused without a token, and the origin sees none of it', async () => {
    headers = {};
    expect((await refusal(dial())).statusCode).toBe(401);
    expect(origin.count).toBe(0);
  });

  test('is refused once the quota is spent', async () => {
    for (let i = 0; i < 3; i++) (await opened(dial())).terminate();
    expect((await refusal(dial())).statusCode).toBe(429);
    expect(origin.count).toBe(3);
  });

  test('is answered as the origin answers it', async () => {
    expect((await refusal(dial('/refuse'))).statusCode).toBe(403);
  });
});
