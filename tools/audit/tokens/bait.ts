// A listener on loopback that a forged token's `jku` or `x5u` points to: whoever asks it has followed the token.

import type { JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Bait {
  /** Serves a key set with the forger's key. */
  readonly keySetUrl: string;
  /** Serves what claims to be a certificate. */
  readonly certificateUrl: string;
  /** Requests received so far. */
  visits(): number;
  close(): void;
}

/** @param jwk the forger's public key. */
export const openBait = async (jwk: JsonWebKey): Promise<Bait> => {
  let visits = 0;
  const server = createServer((_, response) => {
    visits++;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    keySetUrl: `${origin}/jwks.json`,
    certificateUrl: `${origin}/certificate.pem`,
    visits: () => visits,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
