// Calls the admin API for the console. The token goes in a header, never in a URL, and is kept for this tab only.
import type { PulseView } from '../src/admin/views.ts';

const KEY = 'weir.token';

/** A request that was not carried out. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Problem {
  readonly title?: string;
  readonly errors?: readonly { readonly field: string; readonly expected: string }[];
}

export const keptToken = (): string | undefined => sessionStorage.getItem(KEY) ?? undefined;

export const keepToken = (token: string | undefined): void => {
  if (token === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
};

export type Query = Readonly<Record<string, string | undefined>>;

/** `path?query`, without what is undefined. */
export const urlOf = (path: string, query: Query = {}): string => {
  const members = Object.entries(query).filter(
    (member): member is [string, string] => member[1] !== undefined,
  );
  return members.length === 0 ? `/.weir/${path}` : `/.weir/${path}?${new URLSearchParams(members)}`;
};

export class Api {
  readonly #token: string;
  readonly #onRefused: () => void;

  /** @param onRefused the token is not, or no longer, the admin's. */
  constructor(token: string, onRefused: () => void) {
    this.#token = token;
    this.#onRefused = onRefused;
  }

  /** @throws {Refused} with what was expected. */
  async call<T>(method: string, path: string, query: Query = {}, body?: object): Promise<T> {
    const response = await this.#fetch(method, urlOf(path, query), body);
    return response.json() as Promise<T>;
  }

  /** Views as they come, until the server ends the stream; @throws {Refused} */
  async *live(query: Query, signal: AbortSignal): AsyncGenerator<PulseView> {
    const response = await this.#fetch('GET', urlOf('live', query), undefined, signal);
    if (response.body === null) return;
    let rest = '';
    for await (const text of textOf(response.body)) {
      const events = (rest + text).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) yield JSON.parse(data);
      }
    }
  }

  async #fetch(method: string, url: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(url, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      signal: signal ?? null,
    });
    if (response.ok) return response;
    if (response.status === 404) this.#onRefused();
    throw new Refused(response.status, await saidOf(response));
  }
}

/** Read by hand: not every browser's stream is iterable. */
const textOf = async function* (body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
};

const saidOf = async (response: Response): Promise<string> => {
  const problem: Problem = await response.json().catch(() => ({}));
  const errors = problem.errors?.map(({ field, expected }) => `${field}: expected ${expected}`);
  return errors?.join('; ') || `${response.status} ${problem.title ?? response.statusText}`;
};
