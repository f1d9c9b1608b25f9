// What is left, from the RateLimit fields of a running Weir's answer to a real request.
import { parseList } from 'structured-headers';

export interface Answer {
  readonly status: number;
  /** By the policy's name. */
  readonly left: ReadonlyMap<
    string,
    { readonly remaining: number; readonly resetSeconds: number | undefined }
  >;
}

const TIMEOUT_MS = 30_000;

/**
 * Sends the request to the Weir at `weir`, whatever host its URL names; it spends permits like any other.
 *
 * @param address sent as the client's, which only a Weir on this machine believes
 */
export const ask = async (
  weir: string,
  { method, url, headers }: Request,
  address: string | undefined,
): Promise<Answer> => {
  const { pathname, search } = new URL(url);
  const sent = new Headers(headers);
  if (address !== undefined) sent.set('CF-Connecting-IP', address);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(weir.replace(/\/$/, '') + pathname + search, {
    method,
    headers: sent,
    signal,
    redirect: 'manual',
  });
  await response.body?.cancel();
  return { status: response.status, left: leftOf(response.headers.get('RateLimit') ?? '') };
};

const leftOf = (field: string): Answer['left'] =>
  new Map(
    parseList(field).map(([name, parameters]) => [
      String(name),
      { remaining: Number(parameters.get('r')), resetSeconds: secondsOf(parameters.get('t')) },
    ]),
  );

/** Requests in flight end when they end. */
const secondsOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));
