// Free ports of this machine, and servers on them.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const HIGHEST = 65_535;

/** The first port from `from` on that nobody listens on. */
export const freePort = async (from: number): Promise<number> => {
  for (let port = from; port <= HIGHEST; port++) if (await isFree(port)) return port;
  throw new Error(`expected a free port from ${from} on, found none`);
};

/** Starts a server on any free port. @returns its URL, without a slash at the end. */
export const serve = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
