// Reading responses out of one connection's bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { responsesIn } from '../../tools/http1.ts';

const statusesIn = (bytes: Buffer): number[] => responsesIn(bytes).map(({ status }) => status);

const bodies: Record<string, (body: string) => string> = {
  'content-length': (body) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  chunked: (body) =>
    `Transfer-Encoding: chunked\r\n\r\n${body === '' ? '' : `${Buffer.byteLength(body).toString(16)};x=1\r\n${body}\r\n`}0\r\n\r\n`,
  'chunked with a trailer': (body) =>
    `transfer-encoding: gzip, chunked\r\n\r\n${body === '' ? '' : `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`}0\r\nX-End: 1\r\n\r\n`,
};

const response = fc
  .tuple(
    fc.integer({ min: 200, max: 599 }),
    fc.constantFrom(...Object.keys(bodies)),
    fc.string(),
    fc.boolean(),
  )
  .map(([status, how, body, interim]) => {
    const empty = status === 204 || status === 304;
    const rest = empty ? '\r\n' : (bodies[how]?.(body) ?? '');
    const early = interim ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : '';
    return { status, bytes: `${early}HTTP/1.1 ${status} Any\r\nServer: x\r\n${rest}` };
  });

describe('the statuses in the bytes of a connection', () => {
  it('are those of all complete responses, whatever their bodies hold', () => {
    fc.assert(
      fc.property(fc.array(response, { maxLength: 8 }), (all) => {
        const bytes = Buffer.from(all.map((one) => one.bytes).join(''));
        expect(statusesIn(bytes)).toEqual(all.map(({ status }) => status));
      }),
    );
  });

  it('leave out a response that is cut short anywhere', () => {
    fc.assert(
      fc.property(response, response, fc.nat(), (whole, cut, at) => {
        const end = Buffer.from(cut.bytes);
        const bytes = Buffer.concat([Buffer.from(whole.bytes), end.subarray(0, at % end.length)]);
        expect(statusesIn(bytes)).toEqual([whole.status]);
      }),
    );
  });

  it('end with a response that has no length: the connection’s end is its end', () => {
    expect(statusesIn(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\nno more'))).toEqual([400]);
  });

  it('have no body where they answer HEAD', () => {
    const answers = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 401 No\r\n\r\n';
    expect(responsesIn(Buffer.from(answers), 'HEAD').map(({ status }) => status)).toEqual([200, 401]);
  });

  it('are none in what is no HTTP', () => {
    expect(statusesIn(Buffer.from('SSH-2.0-OpenSSH\r\n\r\n'))).toEqual([]);
  });

  it('come with their header fields as sent and the body as sent', () => {
    const bytes = 'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:  b:c \r\nContent-Length: 2\r\n\r\nhi';
    expect(responsesIn(Buffer.from(bytes))).toEqual([
      {
        status: 200,
        headers: [
          ['X-A', '1'],
          ['x-a', 'b:c'],
          ['Content-Length', '2'],
        ],
        body: 'hi',
      },
    ]);
  });
});
