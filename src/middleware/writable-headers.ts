// Headers of the answer that a step may change.
import type { WeirContext } from './step.ts';

/** The answer's headers; of a copy where they are immutable, as those of a fetched response are. */
export const writableHeaders = (c: WeirContext): Headers => {
  try {
    c.res.headers.delete(NO_FIELD);
  } catch {
    const { res } = c;
    c.res = undefined;
    c.res = new Response(res.body, res);
  }
  return c.res.headers;
};

/** Deleting it changes nothing, and tells whether headers may be changed. */
const NO_FIELD = 'X-Weir-None';
