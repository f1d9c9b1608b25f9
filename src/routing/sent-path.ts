// The path of a request as the client wrote it, which is how it goes on.

/** The path of an absolute URL, as the client wrote it. */
export const sentPath = (url: string): string => {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
};
