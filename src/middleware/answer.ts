// Changes the answer that the steps behind this one gave, on its way to the client.
import type { WeirContext } from './step.ts';

/** Puts another answer in its place. Assigned over another, it would get the headers of that one too. */
export const replaceAnswer = (c: WeirContext, answer: Response): void => {
  c.res = undefined;
  c.res = answer;
};

/** The answer's headers; of a copy where they are immutable, as those of a fetched response are. */
export const writableHeaders = (c: WeirContext): Headers => {
  try {
    c.res.headers.delete(NO_FIELD);
  } catch {
    replaceAnswer(c, new Response(c.res.body, c.res));
  }
  return c.res.headers;
};

/** Deleting it changes nothing, and tells whether headers may be changed. */
const NO_FIELD = 'X-Weir-None';
