// HTTP/1.1 pipelining: several requests in one write on one connection, which no HTTP client library does.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { responsesIn } from '../../http1.ts';
import { type Call, headerList } from './client.ts';
import type { Target } from './target.ts';

const IDLE_MS = 3000;
const MAX_BYTES = 4 * 1024 * 1024;

/** The statuses of the responses that came, in order; fewer than `count` where the server gave up on the connection. */
export const pipeline = (target: Target, call: Call, count: number, signal: AbortSignal): Promise<number[]> =>
  new Promise((resolve) => {
    const socket = open(target);
    let received = Buffer.alloc(0);
    const finish = () => {
      socket.destroy();
      signal.removeEventListener('abort', finish);
      resolve(responsesIn(received).map(({ status }) => status));
    };
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > MAX_BYTES || responsesIn(received).length >= count) finish();
    });
    socket.setTimeout(IDLE_MS, finish).on('error', finish).on('close', finish);
    signal.addEventListener('abort', finish, { once: true });
    socket.write(message(target, call).repeat(count));
  });

const open = ({ address, port, secure, url }: Target): Socket =>
  secure
    ? connectTls({ host: address, port, servername: url.hostname, ALPNProtocols: ['http/1.1'] })
    : connect(port, address);

const message = (target: Target, call: Call): string =>
  [
    `${call.method ?? 'GET'} ${call.path ?? target.path} HTTP/1.1`,
    ...headerList(target, call).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n');
