// Knows when the body of a response has ended: sent, cancelled by the client, or broken off by whoever sent it.
import { passThrough } from './pass-through.ts';

/**
 * The same response, its body piped by the runtime itself, so that its end is known. Without a body, that is now.
 *
 * @param length bytes of the body where that is known: it keeps its `Content-Length`, else it goes in chunks.
 * @param atEnd called once; what it comes to is to keep the isolate awake.
 */
export const untilEnd = (
  response: Response,
  length: number | undefined,
  atEnd: () => void,
  waitUntil: (work: Promise<unknown>) => void,
): Response => {
  const { body } = response;
  if (body === null) {
    atEnd();
    return response;
  }
  const { readable, writable } = passThrough(length);
  waitUntil(body.pipeTo(writable).then(atEnd, atEnd));
  return new Response(readable, response);
};
