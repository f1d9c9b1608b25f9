// What a gateway does to a request and a response on their way, seen as bytes on both sides of the built Worker.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exchange } from '../fixtures/client.ts';
import { startOrigin } from '../fixtures/origin.ts';
import { OK, RawOrigin, type Reply } from '../fixtures/raw-origin.ts';
import { bearer, startWeir, type Weir, zoneOrigin } from '../fixtures/weir.ts';

const VARS = { LIMITS: '100000/minute', ANONYMOUS_LIMITS: '100000/minute', ORIGIN_TIMEOUT_MS: '2000' };
const OPEN = [{ name: 'open', match: '/*', auth: 'none' }];

let origin: RawOrigin;
let zone: Weir;
let bound: Weir;
let based: Weir;
let idle: Weir;
const all: Weir[] = [];

const start = async (options: Parameters<typeof startWeir>[0]): Promise<Weir> => {
  const weir = await startWeir(options);
  all.push(weir);
  return weir;
};

beforeAll(async () => {
  origin = await RawOrigin.start();
  const vars = { ...VARS, ROUTES: OPEN };
  const services = { ORIGIN: { external: { address: origin.address, http: {} } } };
  zone = await start({ ...zoneOrigin(origin.address), vars });
  bound = await start({ services, vars });
  based = await start({ vars: { ...vars, ORIGIN_URL: `${origin.url}/base` } });
  idle = await start({ vars: { ...vars, ORIGIN_URL: origin.url, UPLOAD_IDLE_TIMEOUT_MS: '300' } });
});
afterAll(async () => {
  await Promise.all(all.map((weir) => weir.close()));
  await origin.close();
});
beforeEach(() => origin.clear());

const HOST = 'api.example.com';

/** One request by hand, and all that comes back. */
const send = (weir: Weir, target: string, lines: readonly string[] = [], method = 'GET'): Promise<string> => {
  const connection = lines.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close'];
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${HOST}`, ...connection, ...lines, '', ''];
  return exchange(weir.url, Buffer.from(head.join('\r\n'), 'latin1'));
};

const statusOf = (answer: string): number => Number(answer.split(' ')[1]);

/** Values of a header field in an answer. */
const valuesOf = (answer: string, name: string): string[] =>
  (answer.split('\r\n\r\n')[0] ?? '')
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());

describe('path and query, byte for byte', () => {
  const unreserved = 'azAZ09-._~';
  const reserved = ":/?[]@!$&'()*+,;=";
  const odd = '{}|^"<>\\`%';
  const utf8 = Buffer.from('é').toString('latin1');
  const targets = [...unreserved, ...reserved, ...odd, utf8].flatMap((text) => [
    `/a${text}b`,
    `/x?a=1${text}b`,
  ]);
  targets.push("/x?$filter=Name%20eq%20'x'", '/%2e%2e/%C3%a9/%', '//a//', '/a?', '/?a?b');

  it.each([
    ['on a zone route', () => zone],
    ['by a service binding', () => bound],
  ])('%s', async (_, weir) => {
    const changed: string[] = [];
    const refused: string[] = [];
    for (const target of targets) {
      origin.clear();
      const answer = await send(weir(), target);
      if (statusOf(answer) === 400 && origin.heads.length === 0) refused.push(target);
      else if (origin.target !== target) changed.push(`${target} -> ${origin.target}`);
    }
    expect(changed).toEqual([]);
    // No HTTP client sends these unescaped, and the runtime takes them for no request at all.
    expect(refused).toEqual(['/x?a=1"b', '/a<b', '/x?a=1<b', '/a>b', '/x?a=1>b', '/a`b']);
  });

  it('under ORIGIN_URL, but for what the README says', async () => {
    const changed: string[] = [];
    for (const target of targets) {
      origin.clear();
      await send(based, target);
      if (origin.heads.length > 0 && origin.target !== `/base${target}`)
        changed.push(`${target} ${origin.target?.slice('/base'.length)}`);
    }
    expect(changed).toEqual([
      "/x?a=1'b /x?a=1%27b",
      '/a{b /a%7Bb',
      '/a}b /a%7Db',
      '/a^b /a%5Eb',
      '/a"b /a%22b',
      '/a\\b /a/b',
      `/a${utf8}b /a%C3%A9b`,
      `/x?a=1${utf8}b /x?a=1%C3%A9b`,
      "/x?$filter=Name%20eq%20'x' /x?$filter=Name%20eq%20%27x%27",
      '/%2e%2e/%C3%a9/% /%C3%a9/%',
    ]);
  });
});

describe('who asked', () => {
  const FORGED = [
    'Forwarded: for=evil',
    'X-Forwarded-For: evil',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Proto: evil',
    'X-Forwarded-Prefix: evil',
    'X_Forwarded_Host: evil',
    'X-Real-IP: evil',
    'X-Client-IP: evil',
    'True-Client-IP: evil',
    'X-Host: evil',
  ];

  it.each([
    ['on a zone route', () => zone],
    ['by a service binding', () => bound],
    ['under ORIGIN_URL', () => based],
  ])('is told by Weir and not by the client, %s', async (_, weir) => {
    await send(weir(), '/x', [...FORGED, 'CF-Connecting-IP: 203.0.113.7']);
    expect(origin.heads.join()).not.toContain('evil');
    expect(origin.values('X-Forwarded-Host')).toEqual([HOST]);
    expect(origin.values('X-Forwarded-Proto')).toEqual(['http']);
    expect(origin.values('X-Real-IP')).toEqual(['203.0.113.7']);
    expect(origin.values('X-Forwarded-For')).toEqual(['203.0.113.7']);
  });
});

describe('fields for one connection alone', () => {
  it('do not travel to the origin', async () => {
    const lines = [
      'Connection: close, X-Named, CF-Connecting-IP, X-Auth-Subject',
      'X-Named: 1',
      'Proxy-Authorization: x',
    ];
    await send(zone, '/x', [
      ...lines,
      'Proxy-Connection: x',
      'Keep-Alive: 5',
      'TE: trailers',
      'CF-Connecting-IP: 203.0.113.7',
    ]);
    for (const name of ['X-Named', 'Proxy-Authorization', 'Proxy-Connection', 'Keep-Alive', 'TE'])
      expect(origin.values(name), name).toEqual([]);
    expect(origin.values('CF-Connecting-IP')).toEqual(['203.0.113.7']);
  });

  it('do not travel to the client', async () => {
    origin.replies.push(
      'HTTP/1.1 200 OK\r\nConnection: X-Named\r\nX-Named: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok',
    );
    const answer = await send(zone, '/x');
    for (const name of ['X-Named', 'Keep-Alive', 'Proxy-Authenticate', 'Upgrade'])
      expect(valuesOf(answer, name), name).toEqual([]);
    expect(valuesOf(answer, 'X-Kept')).toEqual(['1']);
  });
});

describe('Location', () => {
  const located = async (weir: Weir, location: string): Promise<string | undefined> => {
    origin.replies.push(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
    return valuesOf(await send(weir, '/x'), 'Location')[0];
  };

  it.each([
    ['http://ORIGIN/base/x?y#z', `http://${HOST}/x?y#z`],
    ['https://ORIGIN/base', `http://${HOST}/`],
    ['//ORIGIN/base/x', `http://${HOST}/x`],
    ['http://ORIGIN/elsewhere', `http://${HOST}/elsewhere`],
    ['http://ORIGIN', `http://${HOST}/`],
    ['/base/x', '/x'],
    ['/base//evil.test/x', `http://${HOST}//evil.test/x`],
    ['/basement', '/basement'],
    ['x/y', 'x/y'],
    ['https://login.example.com/base/x', 'https://login.example.com/base/x'],
    ['http://ORIGIN.evil.test/base/x', 'http://ORIGIN.evil.test/base/x'],
    ['http://ORIGIN@evil.test/', 'http://ORIGIN@evil.test/'],
  ])('%s of an origin under /base is %s', async (given, expected) => {
    const named = (text: string) => text.replace('ORIGIN', origin.address);
    expect(await located(based, named(given))).toBe(named(expected));
  });

  it('is left alone where the origin has the public host', async () => {
    expect(await located(zone, `http://${HOST}/x`)).toBe(`http://${HOST}/x`);
    expect(await located(zone, '/base/x')).toBe('/base/x');
  });
});

describe('a request that no origin gets', () => {
  it('is TRACE, which would show the secrets of the way', async () => {
    const answer = await send(zone, '/x', [], 'TRACE');
    expect(statusOf(answer)).toBe(405);
    expect(valuesOf(answer, 'Allow')[0]).toContain('GET');
  });

  it('has a length beyond all counting, and spends nothing', async () => {
    const limited = await start({ ...zoneOrigin(origin.address), vars: { LIMITS: '1/hour' } });
    const { Authorization } = await bearer({ sub: 'long' });
    const lines = [`Authorization: ${Authorization}`, 'Content-Length: 9007199254740993'];
    expect(statusOf(await send(limited, '/x', lines, 'POST'))).toBe(413);
    expect(statusOf(await send(limited, '/x', lines.slice(0, 1)))).toBe(200);
  });

  it.each([
    ...['a b', '[', 'a:99999', 'a%zz', 'a\tb', 'a,b', 'a;b', "a'b", 'a`b', 'ä.test', 'a%41b'],
    // Here a URL's path begins, or its host.
    ...['a\\b', 'a:80\\b', 'a?b', 'a#b', 'a@b'],
  ])('has the Host %s, whatever its path', async (host) => {
    for (const weir of [zone, bound, based]) {
      weir.clearLogs();
      for (const target of ['/%2e', '/x', '*']) {
        const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        expect(statusOf(await exchange(weir.url, head)), target).toBe(400);
      }
      expect(weir.logs().filter(({ level }) => level === 'error')).toEqual([]);
    }
    expect(origin.heads).toEqual([]);
  });

  it.each(['a', 'a.b-c.test:8080', 'a_b', 'a:', '[::1]', '[::1]:80', '127.0.0.1'])(
    'has no Host as plain as %s',
    async (host) => {
      for (const weir of [zone, bound, based]) {
        const head = `GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        expect(statusOf(await exchange(weir.url, head))).toBe(200);
      }
    },
  );

  it('has a path with too many readings', async () => {
    const told = async () => {
      expect(statusOf(await send(zone, `/${'..%2f;/'.repeat(1_000)}`))).toBe(400);
      return zone
        .logs()
        .some(({ message }) => message.includes('"outcome":"invalid","reason":"path_ambiguous"'));
    };
    // Of many lines in a second not all are written.
    await expect.poll(told, { interval: 200, timeout: 5_000 }).toBe(true);
    expect(origin.heads).toEqual([]);
  });
});

describe('a connection that dies before a byte of the answer', () => {
  const die: Reply = (socket) => socket.resetAndDestroy();

  it.each(['GET', 'HEAD'])('is tried once more for a %s', async (method) => {
    origin.replies.push(die, OK);
    expect(statusOf(await send(based, '/x', [], method))).toBe(200);
    expect(origin.heads.length).toBe(2);
  });

  it('is tried no more than that', async () => {
    origin.replies.push(die, die, OK);
    expect(statusOf(await send(based, '/x'))).toBe(502);
    expect(origin.heads.length).toBe(2);
  });

  it.each(['POST', 'DELETE', 'PUT'])('is not tried again for a %s', async (method) => {
    origin.replies.push(die, OK);
    expect(statusOf(await send(based, '/x', ['Content-Length: 0'], method))).toBe(502);
    expect(origin.heads.length).toBe(1);
  });
});

const reasons = (weir: Weir): unknown[] =>
  weir.logs().map(({ message }) => (JSON.parse(message) as { reason?: string }).reason);

describe('an answer', () => {
  it.each([600, 799, 999])('with status %i is passed untouched, without our fields', async (status) => {
    origin.replies.push(`HTTP/1.1 ${status} Odd\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok`);
    const answer = await send(based, '/x');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} Odd\r\n`));
    expect(answer).toMatch(/\r\n\r\nok$/);
    expect(valuesOf(answer, 'X-Own')).toEqual(['1']);
    expect(valuesOf(answer, 'RateLimit')).toEqual([]);
  });

  it('that is no HTTP has a reason of its own', async () => {
    for (const reply of [
      'garbage\r\n\r\n',
      'HTTP/1.1 99 Low\r\n\r\n',
      'HTTP/1.1 200 OK\r\nBad Header\r\n\r\n',
    ]) {
      based.clearLogs();
      const told = async () => {
        origin.replies.push((socket) => socket.end(reply));
        expect(statusOf(await send(based, '/x', ['Content-Length: 0'], 'POST'))).toBe(502);
        return new Set(reasons(based).filter((reason) => reason !== undefined));
      };
      // Of many lines in a second not all are written, and those before were of other refusals.
      await expect
        .poll(told, { interval: 200, timeout: 5_000 })
        .toEqual(new Set(['origin_invalid_response']));
    }
  });

  it('of an origin that is not there has another', async () => {
    const gone = await RawOrigin.start();
    const lost = await start({ vars: { ...VARS, ROUTES: OPEN, ORIGIN_URL: gone.url } });
    await gone.close();
    expect(statusOf(await send(lost, '/x'))).toBe(502);
    await expect.poll(() => reasons(lost)).toEqual(['origin_unreachable']);
  });
});

describe('a body that is none', () => {
  it.each(['30000', '0'])(
    'is a 400 whose permit does not come back, with UPLOAD_IDLE_TIMEOUT_MS %s',
    async (idle) => {
      const vars = { ORIGIN_URL: origin.url, LIMITS: '1/hour', UPLOAD_IDLE_TIMEOUT_MS: idle };
      const weir = await start({ vars });
      const { Authorization } = await bearer({ sub: 'broken' });
      const post = (chunks: string): Promise<string> => {
        const lines = [`Authorization: ${Authorization}`, 'Transfer-Encoding: chunked', 'Connection: close'];
        const head = ['POST /x HTTP/1.1', `Host: ${HOST}`, ...lines].join('\r\n');
        return exchange(weir.url, `${head}\r\n\r\n${chunks}`);
      };
      origin.replies.push(() => undefined);
      expect(statusOf(await post('5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n'))).toBe(400);
      await expect.poll(() => reasons(weir)).toEqual(['upload_broken']);
      expect(statusOf(await post('5\r\nhello\r\n0\r\n\r\n'))).toBe(429);
    },
  );
});

describe('a body that stalls', () => {
  /** Sends the head and a part of the body, then nothing. */
  const stall = async (weir: Weir): Promise<string> => {
    const { hostname, port } = new URL(weir.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => undefined);
    socket.write(`POST /x HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100\r\n\r\nhello`);
    await once(socket, 'close');
    return answer;
  };

  it('ends with a 408, and so does its request to the origin', async () => {
    let ended: Promise<unknown> | undefined;
    origin.replies.push((socket) => {
      ended = once(socket, 'close');
    });
    expect(statusOf(await stall(idle))).toBe(408);
    await ended;
  });

  it('fifty of them hold nothing for ever', async () => {
    const never: Reply = () => undefined;
    origin.replies.push(...Array(50).fill(never));
    const answers = await Promise.all(Array.from({ length: 50 }, () => stall(idle)));
    expect(new Set(answers.map(statusOf))).toEqual(new Set([408]));
  });

  it('does not count as one that is only slow', async () => {
    const patient = await startOrigin();
    const slow = await start({
      vars: { ...VARS, ROUTES: OPEN, ORIGIN_URL: patient.url, UPLOAD_IDLE_TIMEOUT_MS: '400' },
    });
    const { hostname, port } = new URL(slow.url);
    const socket = connect(Number(port), hostname);
    const head = 'POST /sink HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 8';
    socket.write(`${head}\r\n\r\n`);
    for (const [i, character] of [...'patience'].entries()) {
      const arrived = patient.next('/sink');
      socket.write(character);
      const seen = i === 0 ? await arrived : patient.last;
      await seen.received(i + 1);
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*"bytes":8/);
    await patient.close();
  });

  it('is waited for where UPLOAD_IDLE_TIMEOUT_MS is 0', async () => {
    const lasting = await start({
      vars: { ...VARS, ROUTES: OPEN, ORIGIN_URL: origin.url, UPLOAD_IDLE_TIMEOUT_MS: '0' },
    });
    origin.replies.push(() => undefined);
    const answer = stall(lasting);
    const first = await Promise.race([
      answer,
      new Promise((resolve) => setTimeout(resolve, 1_000, 'waiting')),
    ]);
    expect(first).toBe('waiting');
  });
});
