// The last step: to the origin and back, streamed both ways, with identity headers that are ours alone.
import type { Handler } from 'hono';
import type { WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { Exchange } from '../exchange.ts';
import { Deadline } from '../lib/deadline.ts';
import { faultFinder } from '../origin/fault.ts';
import { publicOriginOf, requestMaker } from '../origin/request.ts';
import { responseMaker } from '../origin/response.ts';
import { badGateway, badRequest, gatewayTimeout, requestTimeout } from '../problem.ts';
import { mounted } from './mount.ts';
import type { Step } from './step.ts';

/**
 * Sends the request to the origin and streams its answer back: the handler of whatever `weir()` lets through.
 *
 * @param options those of the `weir()` before it.
 */
export const proxy = (options: WeirOptions = {}): Handler => mounted(options, forward) as Handler;

/** The step that sends requests to the configured origin. */
export const forward = (config: Config): Step => {
  const { timeoutMs, url, forwardAuthorization } = config.origin;
  const requestOf = requestMaker(config);
  const responseOf = responseMaker(url);
  const faultOf = faultFinder(url);
  // Without the token a shared cache no longer sees that the answer was for one caller.
  const options = forwardAuthorization ? undefined : { cache: 'no-store' as const };
  // A body that is piped would otherwise be decoded, and encoded anew.
  const rawOptions = { ...options, encodeResponseBody: 'manual' as const };

  return async function forward(c) {
    const exchange = c.get('exchange') ?? new Exchange(c.req.raw, c.env, c.executionCtx, config.defaultRoute);
    const fetcher = url ? globalThis : (exchange.env.ORIGIN ?? globalThis);
    const deadline = new Deadline(timeoutMs);
    let upload: UploadFault | undefined;
    const endUpload = (fault: UploadFault): void => {
      upload ??= fault;
      deadline.pass();
    };
    const request = requestOf(exchange, {
      atEnd: () => deadline.start(),
      atStall: () => endUpload('upload_stalled'),
      atBreak: () => endUpload('upload_broken'),
    });
    try {
      // A fetch that is still under way when the deadline passes ends with the invocation.
      const response = await deadline.race(
        send(fetcher, request, exchange.isBodyWatched ? rawOptions : options),
      );
      if (response !== undefined) {
        exchange.trace.forwarded = true;
        exchange.isBodyRaw = exchange.isBodyWatched;
        return responseOf(response, publicOriginOf(exchange.request.url));
      }
    } catch {
      if (upload === undefined) return failed(exchange, await faultOf(), badGateway());
    }
    return upload === undefined
      ? failed(exchange, 'origin_timeout', gatewayTimeout())
      : failed(exchange, upload, UPLOAD_ANSWERS[upload]());
  };
};

/** What a client gets that did not send its body to the end. None of its permits come back, as they do where an origin fails. */
const UPLOAD_ANSWERS = { upload_stalled: requestTimeout, upload_broken: badRequest };
type UploadFault = keyof typeof UPLOAD_ANSWERS;

/** Sends the request, and where it is safe to repeat, once more after a failure: a reused connection may have died. */
const send = async (
  fetcher: Pick<Fetcher, 'fetch'>,
  request: Request,
  options: RequestInit | undefined,
): Promise<Response> => {
  try {
    return await fetcher.fetch(request, options);
  } catch (error) {
    if (!isRepeatable(request)) throw error;
    return fetcher.fetch(request, options);
  }
};

const isRepeatable = ({ method, body, headers, signal }: Request): boolean =>
  (method === 'GET' || method === 'HEAD') && body === null && !headers.has('upgrade') && !signal.aborted;

/** Answers for an origin that failed. A client that left sees no answer, and the origin is not to blame. */
const failed = (exchange: Exchange, reason: string, answer: Response): Response => {
  const { trace } = exchange;
  trace.forwarded = false;
  if (exchange.request.signal.aborted) trace.reason = 'client_left';
  else {
    Object.assign(trace, { outcome: 'origin_error', reason });
    if (answer.status >= 500) exchange.giveBack?.();
  }
  return answer;
};
