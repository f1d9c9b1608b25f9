// The demo's origin: says what it saw of a request, as an API behind Weir would see it.
import { createServer, type IncomingMessage } from 'node:http';

export const demoOrigin = () =>
  createServer((request, response) => {
    request.resume();
    const body = JSON.stringify({ message: 'Hello from the origin', ...seen(request) }, undefined, 2);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(`${body}\n`);
  });

const seen = ({ method, url, headers }: IncomingMessage) => ({
  method,
  path: url,
  subject: headers['x-auth-subject'],
});
