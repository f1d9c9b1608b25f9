// The response that the client gets, made of the origin's.
import { removeHopByHop } from './headers.ts';
import { locationRewriter } from './location.ts';

/** The highest status that a `Response` can be made with. */
const MAX_STATUS = 599;

/** Whether header fields can be added to a response with this status: a copy of it cannot be made otherwise. */
export const isCopyable = (status: number): boolean => status <= MAX_STATUS;

/**
 * Makes what turns the origin's response into the client's: one with headers that can be changed, and its body as it
 * came, encoded. One with a status that no `Response` can have is passed untouched.
 *
 * @param origin `ORIGIN_URL`.
 */
export const responseMaker = (origin: URL | undefined) => {
  const rewrite = origin && locationRewriter(origin);
  return (response: Response, publicOrigin: string): Response => {
    if (!isCopyable(response.status)) return response;
    const copy = new Response(response.body, response);
    if (response.webSocket) return copy;
    removeHopByHop(copy.headers);
    rewrite?.(copy.headers, publicOrigin);
    return copy;
  };
};
