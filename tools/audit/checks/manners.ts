// Checks: do refusals say what a well-behaved client needs, and is it true?
import { type Audit, bearer, isAdmitted, isBroken, isLimited } from '../audit-context.ts';
import type { Check } from '../check.ts';
import { countDown, remainingOf } from '../countdown.ts';
import { readFields, retryAfterSeconds } from '../fields.ts';
import { excerpt } from '../fingerprint.ts';
import { type Exchange, type Header, header } from '../http/client.ts';
import { exhaust, type Limit, limitOf, longestWindowMs, SHORT_WINDOW_MS } from '../limit.ts';
import { judgeRetryAfter } from '../retry-after.ts';
import { Inconclusive } from '../stop.ts';
import { ADMITTED, BROKEN } from '../timing.ts';
import { badlySigned } from '../tokens/jwt.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';

const manner = { severity: 'low', owasp: 'API4:2023', needs: ['limit'] } as const;

/** A 401, where there is one, and a 429; once for all checks of this file. */
const refusals = (audit: Audit): Promise<readonly Exchange[]> =>
  audit.once('one 401, one 429', async () => {
    const unauthorized = await refusal(audit).catch((error: unknown) => {
      if (error instanceof Inconclusive) return [];
      throw error;
    });
    return [unauthorized, await deniedWithOrigin(audit)].flat();
  });

/** The 401 of a badly signed token; where the API admits that one, of something that is no token. */
const refusal = (audit: Audit): Promise<Exchange> =>
  audit.once('a 401', async () => {
    const tokens = [...(audit.jwt === undefined ? [] : [badlySigned(audit.jwt)]), 'audit'];
    for (const token of tokens) {
      const exchange = await audit.attempt({
        headers: [bearer(token), ['Origin', audit.credentials.origin]],
      });
      if (isBroken(exchange)) throw new Inconclusive(BROKEN);
      if (!isAdmitted(exchange)) return exchange;
    }
    throw new Inconclusive(ADMITTED);
  });

const TRIES = 3;

const deniedWithOrigin = async (audit: Audit): Promise<Exchange> => {
  const limit = await limitOf(audit);
  for (let i = 0; i < TRIES; i++) {
    await exhaust(audit, limit, audit.main);
    const exchange = await audit.get(audit.main, { headers: [['Origin', audit.credentials.origin]] });
    if (isLimited(exchange)) return exchange;
  }
  throw new Inconclusive('the quota renewed each time before the answer was in');
};

const retryAfter: Check = {
  ...manner,
  id: 'manners.retry-after',
  severity: 'medium',
  title: 'A 429 says when to come back',
  rfc: 'RFC 6585 section 4; RFC 9110 section 10.2.3',
  why: 'Clients that are not told when to come back come back at once, all together.',
  fix: 'Send Retry-After with whole seconds, rounded up.',
  requests: 0,
  async run(audit) {
    const { denial } = await limitOf(audit);
    const value = header(denial, 'retry-after');
    const told = value === undefined ? 'no Retry-After' : `Retry-After: ${excerpt(value)}`;
    const good = retryAfterSeconds(denial) !== undefined;
    return (good ? passed : failed)(
      'a request over the limit',
      denial.status === 429 ? told : `a ${denial.status} in its place, ${told}`,
      measured('denials read', 1),
    );
  },
};

const truthful: Check = {
  ...manner,
  id: 'manners.retry-after-true',
  severity: 'medium',
  title: 'Retry-After is true: denied before, allowed after',
  rfc: 'RFC 9110 section 10.2.3',
  why: 'Too early, and clients that obey are denied again; too late, and they lose quota they have paid for.',
  fix: 'Compute it from the counter that denied, rounded up to whole seconds.',
  needs: ['limit', 'one-counter'],
  requests: 8,
  async run(audit) {
    const first = await tryRetryAfter(audit);
    return first.outcome === 'failed' ? tryRetryAfter(audit) : first;
  },
};

/** Spent from the start of a short window: near its end a fixed “in one second” would be true by chance. */
const deniedAtStart = async (audit: Audit, limit: Limit): Promise<Exchange> => {
  const renewMs = await limit.renewMs();
  const whole = (audit.main.account.lastAdmitted ?? 0) + renewMs - performance.now();
  if (renewMs <= SHORT_WINDOW_MS && whole > 0) await audit.pause(whole);
  return exhaust(audit, limit, audit.main);
};

const tryRetryAfter = async (audit: Audit): Promise<Verdict> => {
  const limit = await limitOf(audit);
  const seconds = retryAfterSeconds(await deniedAtStart(audit, limit));
  if (seconds === undefined) throw new Inconclusive('there is no Retry-After');
  return judgeRetryAfter(seconds, {
    windowMs: longestWindowMs(limit),
    ask: () => audit.get(audit.main),
    pause: (ms) => audit.pause(ms),
  });
};

const fields: Check = {
  ...manner,
  id: 'manners.ratelimit-fields',
  title: 'RateLimit is there and parses, and RateLimit-Policy with it where it is sent',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 sections 3, 4; RFC 9651',
  why: 'A client that sees its quota paces itself, and is never refused at all.',
  fix: 'Send both as structured fields on every response that a limit applied to, the 429 included.',
  requests: 0,
  async run(audit) {
    const { spend, denial } = await limitOf(audit);
    const wrong = [...spend.slice(-3), denial]
      .map((one) => ({ one, read: readFields(one) }))
      .find(({ read }) => !read.ok);
    const sent = 'requests up to the limit and over it';
    if (wrong && !wrong.read.ok) return failed(sent, `on a ${wrong.one.status}: ${wrong.read.problem}`);
    const fields = excerpt(`RateLimit: ${header(denial, 'ratelimit')}`);
    return passed(sent, fields, measured('responses read', spend.length, 1));
  },
};

/** Part of a window that may pass while its quota is spent. */
const SLOW = 0.6;

const countsDown: Check = {
  ...manner,
  id: 'manners.counts-down',
  title: 'The remaining quota counts down to nothing',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 4.1',
  why: 'A number that does not follow what is spent makes clients pace themselves wrongly.',
  fix: 'Report what the counter that decides holds after this request.',
  needs: ['limit', 'one-counter'],
  requests: 0,
  async run(audit) {
    const { spend, denial, capacity, spendMs, renewMs } = await limitOf(audit);
    if (spendMs > SLOW * (await renewMs()))
      throw new Inconclusive(
        'permits came back while the quota was spent, so it could not be seen to count down',
      );
    const counts = [...spend, denial].map(remainingOf);
    const known = counts.filter((count) => count !== undefined);
    if (known.length < counts.length || capacity < 2)
      throw new Inconclusive('what remains is not told on every response');
    return (countDown(known) ? passed : failed)(
      'requests up to the limit and over it',
      countedText(known),
      measured('counts read', known.length, 3),
    );
  },
};

const countedText = (counts: readonly number[]): string =>
  `${counts[0]} at first, ${counts.at(-2)} at the last admitted of ${counts.length - 1}, ${counts.at(-1)} when denied`;

const challenge: Check = {
  ...manner,
  id: 'manners.challenge',
  owasp: 'API2:2023',
  title: 'A 401 says which credentials it wants',
  rfc: 'RFC 9110 section 11.6.1; RFC 6750 section 3',
  why: 'Without the challenge clients cannot tell a token that expired from an API that is broken.',
  fix: 'Send WWW-Authenticate: Bearer with every 401.',
  needs: ['protected'],
  requests: 1,
  async run(audit) {
    const { status, headers } = await refusal(audit);
    const value = headers.find(([name]) => name.toLowerCase() === 'www-authenticate')?.[1];
    const good = status === 401 && value !== undefined && /^bearer\b/i.test(value);
    const seen = `${status}, ${value === undefined ? 'no WWW-Authenticate' : excerpt(value)}`;
    return (good ? passed : failed)('a refused token', seen, measured('refusals read', 1));
  },
};

/** A check of both refusals by one question. */
const both = (sent: string, wrong: (exchange: Exchange) => string | undefined): Check['run'] =>
  async function ask(audit) {
    const all = await refusals(audit);
    const faults = all.flatMap((exchange) => {
      const fault = wrong(exchange);
      return fault === undefined ? [] : [`${exchange.status}: ${fault}`];
    });
    return faults.length === 0
      ? passed(
          sent,
          `so for ${all.map(({ status }) => status).join(' and ')}`,
          measured('refusals read', all.length),
        )
      : failed(sent, faults.join('; '));
  };

const problemJson: Check = {
  ...manner,
  id: 'manners.problem-json',
  owasp: 'API8:2023',
  title: 'Refusals are problem details',
  rfc: 'RFC 9457 section 3',
  why: 'Programs can act on a type; they cannot act on prose.',
  fix: 'Answer with application/problem+json: type, title, and the status that was really sent.',
  requests: 3,
  run: both('a refused token and a request over the limit', (exchange) => problemFault(exchange)),
};

const problemFault = (exchange: Exchange): string | undefined => {
  const type = header(exchange, 'content-type');
  if (!type?.startsWith('application/problem+json')) return `Content-Type ${type ?? 'missing'}`;
  try {
    const body: unknown = JSON.parse(exchange.body);
    const { title, status } = body as { title?: unknown; status?: unknown };
    if (typeof title !== 'string' || title === '') return 'no title';
    return status === undefined || status === exchange.status ? undefined : `status ${status} in the body`;
  } catch {
    return 'the body is no JSON object';
  }
};

const noStore: Check = {
  ...manner,
  id: 'manners.no-store',
  owasp: 'API8:2023',
  title: 'Refusals may not be kept by caches',
  rfc: 'RFC 6585 section 4; RFC 9111 section 5.2.2.5',
  why: 'A refusal out of a cache denies callers who have quota, or shows one caller what another was told.',
  fix: 'Send Cache-Control: no-store with every refusal.',
  requests: 3,
  run: both('a refused token and a request over the limit', (exchange) => {
    const value = header(exchange, 'cache-control');
    return value?.toLowerCase().includes('no-store') ? undefined : `Cache-Control ${value ?? 'missing'}`;
  }),
};

const cors: Check = {
  ...manner,
  id: 'manners.cors',
  owasp: 'API8:2023',
  title: 'A page that may read good answers may read refusals, too',
  rfc: 'Fetch Standard, CORS protocol',
  why: 'Else the page sees a network error instead of “come back in 30 s”, and its user blames the API.',
  fix: 'Send the same Access-Control-Allow-Origin on refusals, and expose Retry-After and the RateLimit fields.',
  requests: 4,
  async run(audit) {
    const origin: Header = ['Origin', audit.credentials.origin];
    const all = await refusals(audit);
    const faults = all.filter((one) => !isReadable(one, audit.credentials.origin));
    const sent = `requests with ${origin.join(': ')}`;
    if (
      faults.length === all.length &&
      !(audit.welcome && isReadable(audit.welcome, audit.credentials.origin))
    )
      throw new Inconclusive(
        `the API answers no page of ${audit.credentials.origin}; name one that it serves with --origin`,
      );
    if (faults.length > 0)
      return failed(sent, `not readable: ${faults.map(({ status }) => status).join(', ')}`);
    const denied = all.at(-1);
    const exposed = (denied && header(denied, 'access-control-expose-headers'))?.toLowerCase() ?? '';
    const hidden = ['retry-after', 'ratelimit'].filter(
      (name) => denied && header(denied, name) !== undefined && !exposed.includes(name),
    );
    return hidden.length === 0
      ? passed(sent, 'readable', measured('refusals read', all.length))
      : failed(sent, `hidden from the page: ${hidden.join(', ')}`);
  },
};

const isReadable = (exchange: Exchange, origin: string): boolean => {
  const allowed = header(exchange, 'access-control-allow-origin');
  return allowed === '*' || allowed === origin;
};

export const mannerChecks: readonly Check[] = [
  retryAfter,
  fields,
  countsDown,
  challenge,
  problemJson,
  noStore,
  cors,
  truthful,
];
