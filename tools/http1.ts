// Reads HTTP/1.1 responses out of the bytes of one connection, for those who write their requests by hand. Pure.

export interface RawResponse {
  readonly status: number;
  /** Names as sent, in the order sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** As sent, its chunks not joined; Latin-1. */
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

/**
 * Every complete response in `bytes`, in order; interim (1xx) ones are left out.
 * @param method of the requests: an answer to HEAD tells the length of a body that it does not have.
 */
export const responsesIn = (bytes: Buffer, method = 'GET'): RawResponse[] => {
  const responses: RawResponse[] = [];
  for (let at = 0; ; ) {
    const found = responseAt(bytes, at, method);
    if (found === undefined) return responses;
    if (found.response.status >= 200) responses.push(found.response);
    at = found.end;
  }
};

const responseAt = (
  bytes: Buffer,
  at: number,
  method: string,
): { response: RawResponse; end: number } | undefined => {
  const headEnd = bytes.indexOf(HEAD_END, at);
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', at, headEnd);
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const start = headEnd + HEAD_END.length;
  const end = method === 'HEAD' ? start : bodyEnd(bytes, start, head, status);
  if (end === undefined || end > bytes.length) return undefined;
  return { response: { status, headers: fields(head), body: bytes.toString('latin1', start, end) }, end };
};

const fields = (head: string): (readonly [name: string, value: string])[] =>
  head
    .split('\r\n')
    .slice(1)
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });

const bodyEnd = (bytes: Buffer, start: number, head: string, status: number): number | undefined => {
  if (status < 200 || status === 204 || status === 304) return start;
  if (/^transfer-encoding:.*\bchunked\b/im.test(head)) return chunkedEnd(bytes, start);
  const length = /^content-length:\s*(\d+)/im.exec(head)?.[1];
  // Without a length the body ends with the connection: nothing can follow it.
  return length === undefined ? bytes.length : start + Number(length);
};

const chunkedEnd = (bytes: Buffer, start: number): number | undefined => {
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) return undefined;
    if (size === 0) return trailerEnd(bytes, lineEnd);
    at = lineEnd + 2 + size + 2;
  }
};

const trailerEnd = (bytes: Buffer, lastChunk: number): number | undefined => {
  const end = bytes.indexOf(HEAD_END, lastChunk);
  return end === -1 ? undefined : end + HEAD_END.length;
};
