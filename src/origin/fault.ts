// Why there was no answer, for the log. The runtime has one error for all: "Network connection lost".
import { PerSecond } from '../lib/per-second.ts';

/** Code for the log. */
export type Fault = 'origin_unreachable' | 'origin_invalid_response' | 'origin_no_response';

/** Connections made to find out, in one second and isolate; while there are more faults, the last finding stands. */
const PER_SECOND = 5;
/** How long one is waited for, milliseconds. */
const TIMEOUT_MS = 1_000;

/**
 * Makes what finds out whether the origin takes connections at all: if so, its answer was none.
 *
 * @param origin `ORIGIN_URL`; without it the way to the origin is the runtime's, and nobody can tell.
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
  // The socket's end is no news.
  socket.closed.catch(() => undefined);
  const timeout = new Promise<undefined>((resolve) => setTimeout(resolve, TIMEOUT_MS));
  const opened = await Promise.race([socket.opened, timeout]).catch(() => undefined);
  await socket.close().catch(() => undefined);
  return opened !== undefined;
};
