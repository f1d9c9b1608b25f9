// Reads HTTP/1.1 responses out of the bytes of one connection; only as much as pipelining needs.

const HEAD_END = '\r\n\r\n';

/** The status of every complete response in `bytes`, in order; interim (1xx) ones are left out. */
export const statusesIn = (bytes: Buffer): number[] => {
  const statuses: number[] = [];
  for (let at = 0; ; ) {
    const response = responseAt(bytes, at);
    if (response === undefined) return statuses;
    if (response.status >= 200) statuses.push(response.status);
    at = response.end;
  }
};

const responseAt = (bytes: Buffer, at: number): { status: number; end: number } | undefined => {
  const headEnd = bytes.indexOf(HEAD_END, at);
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', at, headEnd);
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const end = bodyEnd(bytes, headEnd + HEAD_END.length, head, status);
  return end === undefined || end > bytes.length ? undefined : { status, end };
};

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
