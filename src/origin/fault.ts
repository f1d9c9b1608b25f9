// Why there was no answer, for the log. The runtime has one error for all: "Network connection lost".
import { PerSecond } from '../lib/per-second.ts';

/** Code for the log. */
export type Fault = 'origin_unreachable' | 'origin_invalid_response' | 'origin_no_response';

/** Connections that an isolate makes in a second to find out; for more faults, the last finding stands. */
const PER_SECOND = 5;
/** How long a connection may take, milliseconds. */
const TIMEOUT_MS = 1_000;

/**
 * Makes a function that finds out whether the origin accepts connections at all: if it does, its answer was invalid.
 *
 * @param origin `ORIGIN_URL`; without it the runtime chooses where to connect, so there is no finding out.
 */
export const faultFinder = (origin: URL | undefined): (() => Promise<Fault>) => {
  if (origin === undefined) return async () => 'origin_no_response';
  const turns = new PerSecond(PER_SECOND);
  let last: Fault = 'origin_unreachable';
  return async () => {
    if (turns.take(Date.now()))
      last = (await isReachable(origin)) ? 'origin_invalid_response' : 'origin_unreachable';
    return last;
  };
};

const isReachable = async ({ hostname, port, protocol }: URL): Promise<boolean> => {
  const { connect } = await import('cloudflare:sockets');
  const socket = connect({ hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) });
  // How the socket ends says nothing more.
  socket.closed.catch(() => undefined);
  const timeout = new Promise<undefined>((resolve) => setTimeout(resolve, TIMEOUT_MS));
  const opened = await Promise.race([socket.opened, timeout]).catch(() => undefined);
  await socket.close().catch(() => undefined);
  return opened !== undefined;
};
