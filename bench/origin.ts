// The origin of the benchmark, in a process of its own: answers every GET with the same bytes, as cheaply as Node can,
// so that it is never what is measured.
import { createServer } from 'node:net';

const BODY = JSON.stringify({ items: Array.from({ length: 10 }, (_, id) => ({ id, name: `item ${id}` })) });

const ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${BODY.length}`,
    'Cache-Control: private, max-age=0',
    'Date: Sat, 21 Nov 2026 00:00:00 GMT',
    'ETag: "5f1-weir"',
    'Vary: Accept-Encoding',
    '',
    BODY,
  ].join('\r\n'),
);

const END = Buffer.from('\r\n\r\n');

const requestsIn = (chunk: Buffer): number => {
  let count = 0;
  for (let at = chunk.indexOf(END); at >= 0; at = chunk.indexOf(END, at + END.length)) count++;
  return count;
};

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    for (let i = requestsIn(chunk); i > 0; i--) socket.write(ANSWER);
  });
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.(address.port);
});

process.on('disconnect', () => process.exit());
