// The response that the client gets, made from the origin's.
import { removeHopByHop } from './headers.ts';
import { locationRewriter } from './location.ts';

/** The highest status that a `Response` can be made with. */
const MAX_STATUS = 599;

/** Whether header fields can be added to a response with this status: a copy of it cannot be made otherwise. */
export const isCopyable = (status: number): boolean => status <= MAX_STATUS;

/**
 * Makes a function that turns the origin's response into the client's, with mutable headers and its body encoded as it came.
 * A response with a status that cannot be constructed is passed on untouched.
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
