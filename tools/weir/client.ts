// Calls the admin API of a running Weir.
import { UsageError } from '../cli.ts';

export interface Target {
  /** No slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
}

export interface Policy {
  readonly name: string;
  readonly algorithm: string;
  readonly quota: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** The state of a partition, as the API answers it. */
export interface State {
  readonly issuer?: string;
  readonly subject?: string;
  readonly address?: string;
  readonly key?: string;
  readonly value?: string;
  readonly partition: string | null;
  readonly policies: readonly Policy[];
  readonly override: { readonly limits: string; readonly until: string; readonly reason: string } | null;
  readonly revoked: {
    readonly before: string | null;
    readonly until: string | null;
    readonly jtis: readonly { readonly jti: string; readonly until: string | null }[];
  };
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

export interface Health {
  readonly status: string;
}

/**
 * Where Weir is. The admin token is sent there, so only over https, except to this machine.
 *
 * @param given default: `WEIR_URL`.
 */
export const targetOf = (given: string | undefined): Target => {
  const url = URL.parse(given ?? process.env.WEIR_URL ?? '');
  if (url === null) throw new UsageError('expected the URL of Weir in --url or WEIR_URL');
  if (url.protocol !== 'https:' && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname))
    throw new UsageError(`expected an https URL, got ${url.origin}`);
  return { url: url.origin, token: process.env.WEIR_ADMIN_TOKEN || undefined };
};

interface Problem {
  readonly title: string;
  readonly errors?: readonly { readonly field: string; readonly expected: string }[];
}

/** How long Weir may take to answer, milliseconds. */
const TIMEOUT_MS = 10_000;

/** Whether Weir works; it says so to anybody, also where its configuration is wrong. */
export const health = async (target: Target): Promise<Health> => {
  const response = await send(target, 'GET', 'health');
  const answer: unknown = await response.json().catch(() => undefined);
  if (isHealth(answer)) return answer;
  throw new Error(
    `${target.url} is not a Weir: /.weir/health answered ${response.status}, and not as Weir does`,
  );
};

const isHealth = (answer: unknown): answer is Health =>
  typeof answer === 'object' && answer !== null && 'status' in answer && typeof answer.status === 'string';

/** Calls the admin API. @throws {Error} that says what to do, or {UsageError} for a request that Weir finds invalid. */
export const call = async <T>(target: Target, method: string, path: string, body?: object): Promise<T> => {
  if (target.token === undefined) throw new UsageError('expected the admin token in WEIR_ADMIN_TOKEN');
  const response = await send(target, method, path, body);
  if (response.ok) return (await response.json()) as T;
  throw await refusal(target, response);
};

const send = async (
  { url, token }: Target,
  method: string,
  path: string,
  body?: object,
): Promise<Response> => {
  try {
    return await fetch(`${url}/.weir/${path}`, {
      method,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Partial<NodeJS.ErrnoException> };
    throw new Error(`cannot reach ${url}: ${cause?.code ?? cause?.message ?? message}`);
  }
};

const refusal = async ({ url }: Target, response: Response): Promise<Error> => {
  const { title, errors = [] } = (await response
    .json()
    .catch(() => ({ title: '(not Weir’s answer)' }))) as Problem;
  const faults = errors.map(({ field, expected }) => `${field}: expected ${expected}`);
  if (response.status === 404 && faults.length === 0)
    return new Error(`${url} does not know this WEIR_ADMIN_TOKEN, or its ADMIN_TOKEN is unset`);
  const text = faults.length > 0 ? faults.join('\n') : `${url} answered ${response.status} ${title}`;
  return response.status === 400 ? new UsageError(text) : new Error(text);
};
