// Who is measured, in the order of the table.
import { SignJWT } from 'jose';
import { mint } from '../test/fixtures/weir.ts';

export interface Contender {
  /** As in the table; ratios are named by it. */
  readonly id: string;
  readonly title: string;
  /** A file of `bench/workers/`; undefined: the built Weir. */
  readonly worker: string | undefined;
  readonly vars: Record<string, string>;
  readonly tokens: () => Promise<string[]>;
  /** What every measured request must be answered with. */
  readonly status: 200 | 401 | 429;
  readonly connections: number;
  /** Whether it has objects whose calls and rows are to be counted. */
  readonly counted: boolean;
  /** Whether `PULSE` is bound. Default false. */
  readonly pulse?: boolean;
}

const CONNECTIONS = 32;

/** A 401 leaves after `UNAUTHORIZED_DELAY_MS`: so many connections keep the Worker as busy as the others. */
const CONNECTIONS_401 = 512;

const SUBJECTS = 10_000;

const SECRET = 'a secret of the benchmark, at least 32 bytes';

const FAR_AWAY = '10000000/minute';

const one = async () => [await mint()];

const many = () => Promise.all(Array.from({ length: SUBJECTS }, (_, i) => mint({ sub: `user-${i}` })));

/** Subjects that come back. */
const VISITORS = 2_000;

const visitors = () => Promise.all(Array.from({ length: VISITORS }, (_, i) => mint({ sub: `visitor-${i}` })));

/** A token whose signature is another one's. */
const forged = async () => {
  const [token, other] = await Promise.all([mint({ sub: 'alice' }), mint({ sub: 'mallory' })]);
  return [token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'))];
};

const symmetric = async () => [
  await new SignJWT({ sub: 'alice' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET)),
];

const weir = { worker: undefined, status: 200, connections: CONNECTIONS, counted: true } as const;
const peer = { status: 200, connections: CONNECTIONS, counted: false } as const;

/** Those whose callers come now and then, each to an object that was evicted since. */
export const visited: readonly Contender[] = [
  { ...weir, id: 'v', title: 'Weir, visits', vars: { LIMITS: '6000/hour' }, tokens: visitors },
  {
    ...peer,
    id: 'w',
    title: 'jwtVerify, a write a request, visits',
    worker: 'object',
    vars: {},
    tokens: visitors,
    counted: true,
  },
];

export const contenders: readonly Contender[] = [
  { ...peer, id: 'a', title: 'only proxies', worker: 'proxy', vars: {}, tokens: one },
  { ...peer, id: "a'", title: 'proxies, sets three headers', worker: 'headers', vars: {}, tokens: one },
  { ...weir, id: 'b', title: 'Weir, allowed, one subject', vars: { LIMITS: FAR_AWAY }, tokens: one },
  {
    ...weir,
    id: 'p',
    title: 'as (b), watched by Pulse',
    vars: { LIMITS: FAR_AWAY },
    tokens: one,
    pulse: true,
  },
  {
    ...weir,
    id: 'c',
    title: 'Weir, allowed, 10,000 subjects',
    vars: { LIMITS: '6000/hour' },
    tokens: many,
  },
  { ...weir, id: 'd', title: 'Weir, denied', vars: { LIMITS: '1/day' }, tokens: one, status: 429 },
  {
    ...weir,
    id: 'e',
    title: 'Weir, bad token seen before',
    vars: {},
    tokens: forged,
    status: 401,
    connections: CONNECTIONS_401,
  },
  {
    ...peer,
    id: 'f',
    title: 'hono/jwt, hono-rate-limiter',
    worker: 'hono',
    vars: { JWT_SECRET: SECRET },
    tokens: symmetric,
  },
  {
    ...peer,
    id: 'g',
    title: 'jwtVerify, a write a request',
    worker: 'object',
    vars: {},
    tokens: one,
    counted: true,
  },
  { ...weir, id: 'h', title: 'Weir, LEASES=off', vars: { LIMITS: FAR_AWAY, LEASES: 'off' }, tokens: one },
  {
    ...weir,
    id: 'i',
    title: 'Weir, the README’s limits × 10,000',
    vars: { LIMITS: '100000/second; 10000000/hour' },
    tokens: one,
  },
  {
    ...peer,
    id: 's',
    title: 'Stoma, its Durable Object store',
    worker: 'stoma',
    vars: { JWT_SECRET: SECRET },
    tokens: symmetric,
    counted: true,
  },
];
