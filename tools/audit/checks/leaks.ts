// Checks: what refusals tell those who are refused.
import { randomBytes, randomUUID } from 'node:crypto';
import { type Audit, bearer, isAdmitted, isBroken, isLimited } from '../audit-context.ts';
import { canMint } from '../callers.ts';
import type { Check } from '../check.ts';
import { excerpt, fingerprint, firstDifference } from '../fingerprint.ts';
import { type Exchange, header } from '../http/client.ts';
import { exhaust, limitOf } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { ADMITTED, BROKEN, type Reason, ROUNDS, timingVerdict } from '../timing.ts';
import { badlySigned, encode, freshPayload, randomSignature } from '../tokens/jwt.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';
import { tally } from './attempts.ts';
import { jwtOf } from './tokens-forged.ts';

const leak = { severity: 'medium', owasp: 'API2:2023, API8:2023', needs: ['jwt', 'protected'] } as const;

/** One token for each reason to refuse it that can be had. */
const reasons = async (audit: Audit): Promise<[reason: string, token: string][]> => {
  const jwt = jwtOf(audit);
  const unsigned: [string, string][] = [
    ['malformed', 'audit'],
    ['alg none', `${encode({ ...jwt.header, alg: 'none' })}.${freshPayload(jwt)}.`],
    ['bad signature', badlySigned(jwt)],
    [
      'unknown kid',
      `${encode({ ...jwt.header, kid: randomUUID() })}.${freshPayload(jwt)}.${randomSignature(jwt)}`,
    ],
    ['expired and badly signed', badlySigned(jwt, { exp: 1 })],
  ];
  return (await canMint(audit)) ? [...unsigned, ...(await signedReasons(audit))] : unsigned;
};

const signedReasons = async (audit: Audit): Promise<[string, string][]> => [
  ['expired', await audit.mint({ exp: 1, iat: 0 })],
  ['not yet valid', await audit.mint({ nbf: Math.floor(Date.now() / 1000) + 3600 })],
  ['wrong audience', await audit.mint({ aud: 'https://weir-audit.invalid' })],
];

interface Refusal {
  readonly reason: string;
  readonly exchange: Exchange;
}

/** One refusal for each reason; tokens that are admitted, or break the API, belong to other checks. */
const refusals = (audit: Audit): Promise<Refusal[]> =>
  audit.once('refusals', async () => {
    const all: Refusal[] = [];
    for (const [reason, token] of await reasons(audit))
      all.push({ reason, exchange: await audit.attempt({ headers: [bearer(token)] }) });
    return all.filter(({ exchange }) => exchange.status >= 400 && !isBroken(exchange));
  });

const sameBytes: Check = {
  ...leak,
  id: 'leaks.bytes',
  title: 'Every refused token gets the same bytes',
  rfc: 'RFC 6750 section 3.1',
  why: 'Differences tell a forger how far each attempt got: which part to work on next.',
  fix: 'One 401, built in one place, without the reason; the reason goes to the log.',
  requests: 10,
  async run(audit) {
    const all = await refusals(audit);
    const first = all[0];
    const sent = `one token each: ${all.map(({ reason }) => reason).join(', ')}`;
    const odd = all.find(({ exchange }) => first && fingerprint(exchange) !== fingerprint(first.exchange));
    if (first === undefined) throw new Inconclusive('nothing was refused');
    if (odd === undefined)
      return passed(
        sent,
        `${all.length} times the same ${first.exchange.status}`,
        measured('refusals compared', all.length, 2),
      );
    const difference = firstDifference(fingerprint(first.exchange), fingerprint(odd.exchange));
    return failed(sent, `${first.reason} and ${odd.reason} differ: ${difference}`);
  },
};

/** What a stack trace, a file path or a library’s error message looks like. */
const INTERNALS =
  /^\s*at .+[:(]\d+|Traceback \(most recent call last\)|\.(?:js|ts|mjs|py|rb|go|java|php|cs):\d+|node_modules\/|\/(?:usr|home|app|var)\/\w|\b[A-Z]\w*(?:Error|Exception)\b|panic:/m;
/** What tells one reason from another. */
const TELLTALES =
  /\b(expired?|signature|algorithm|\balg\b|audience|issuer|kid|jwks?|malformed|not yet|claim|decode)\b/i;

const errorBodies: Check = {
  ...leak,
  id: 'leaks.error-bodies',
  title: 'Refusals hold neither reasons nor the program’s insides',
  owasp: 'API8:2023',
  rfc: 'RFC 9457 section 5',
  why: 'Reasons guide a forger; stack traces and paths name the libraries and versions to attack.',
  fix: 'Answer with a constant body; write details to the log under a request id.',
  requests: 0,
  async run(audit) {
    const all = await refusals(audit);
    const sent = `the same ${all.length} tokens`;
    const told = all
      .map(({ reason, exchange }) => ({ reason, text: telltale(exchange) }))
      .find(({ text }) => text);
    return told
      ? failed(sent, `${told.reason}: ${excerpt(told.text)}`)
      : passed(sent, 'no reason, stack trace or path', measured('refusals read', all.length));
  },
};

/** The part of a response that says too much, if any. */
const telltale = (exchange: Exchange): string | undefined => {
  const texts = [exchange.body, header(exchange, 'www-authenticate')?.replace(/realm="[^"]*"/, '') ?? ''];
  return texts.find((text) => INTERNALS.test(text) || TELLTALES.test(text));
};

const timing: Check = {
  ...leak,
  id: 'leaks.timing',
  title: 'Every refused token takes the same time',
  rfc: 'CWE-208',
  why: 'A stopwatch reads what the bytes hide: which check failed, and whether a key or a cache was touched.',
  fix: 'Hold every refusal until a fixed time after the request came, longer than the slowest check.',
  requests: 4 * (ROUNDS + 2),
  async run(audit) {
    const jwt = jwtOf(audit);
    const base: Reason[] = [
      ['malformed', () => randomBytes(24).toString('hex')],
      ['alg none', () => `${encode({ ...jwt.header, alg: 'none' })}.${freshPayload(jwt)}.`],
      ['bad signature', () => badlySigned(jwt)],
    ];
    if (!(await canMint(audit))) return timingVerdict(audit, base);
    const expired = await Promise.all(
      Array.from({ length: 2 * (ROUNDS + 2) }, () => audit.mint({ exp: 1, iat: 0 })),
    );
    return timingVerdict(audit, [...base, ['expired', () => expired.pop() ?? 'audit']]);
  },
};

const subjects: Check = {
  ...leak,
  id: 'leaks.subjects',
  title: 'A forged token of a known subject is refused like one of an unknown subject',
  rfc: 'RFC 8725 section 3.3; CWE-204, CWE-208',
  why: 'A difference in bytes or time lists the API’s callers for anybody who can guess their ids.',
  fix: 'Look nothing up by a claim before the signature is verified.',
  requests: 2 * (ROUNDS + 2) + 2,
  async run(audit) {
    const jwt = jwtOf(audit);
    const known = () => badlySigned(jwt);
    const unknown = () => badlySigned(jwt, { sub: `audit-${randomUUID()}` });
    const pair = await inTurn(audit, known(), unknown());
    if (pair[0] !== pair[1])
      return failed('a bad signature for the subject and for an unknown one', firstDifference(...pair));
    return timingVerdict(audit, [
      ['known subject', known],
      ['unknown subject', unknown],
    ]);
  },
};

const inTurn = async (audit: Audit, ...tokens: [string, string]): Promise<[string, string]> => {
  const first = await audit.attempt({ headers: [bearer(tokens[0])] });
  const second = await audit.attempt({ headers: [bearer(tokens[1])] });
  if (isAdmitted(first)) throw new Inconclusive(ADMITTED);
  if (isBroken(first) && isBroken(second)) throw new Inconclusive(BROKEN);
  return [fingerprint(first), fingerprint(second)];
};

const ORACLE_TRIES = 3;
const GATED_MS = 1000;

const oracle: Check = {
  ...leak,
  id: 'leaks.quota-oracle',
  title: 'A forged token does not show whether its subject’s quota is spent',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 8.2',
  why: '429 for one subject and 401 for another, without a valid token, shows who exists and how busy they are.',
  fix: 'Verify the token first; only then look at the subject’s quota.',
  needs: ['jwt', 'protected', 'limit'],
  requests: 20,
  async run(audit) {
    const limit = await limitOf(audit);
    for (let i = 0; i < ORACLE_TRIES; i++) {
      await exhaust(audit, limit, audit.main);
      const pair = await forgedPair(audit);
      if (pair.some(isAdmitted)) throw new Inconclusive(ADMITTED);
      if (pair.every(isBroken)) throw new Inconclusive(BROKEN);
      // Both 429: whoever fails too often is limited just now, which says nothing of the subject.
      if (pair.every(isLimited)) await audit.pause(GATED_MS);
      else if (isLimited(await audit.get(audit.main))) return oracleVerdict(pair);
    }
    throw new Inconclusive(
      'the quota renewed, or forged tokens were limited, each time before the answers were in',
    );
  },
};

/** Forged tokens for the spent subject and for an unknown one. */
const forgedPair = async (audit: Audit): Promise<[Exchange, Exchange]> => {
  const jwt = jwtOf(audit);
  const send = (claims: Record<string, unknown>) =>
    audit.client.send({ headers: [bearer(badlySigned(jwt, claims))] });
  return [await send({}), await send({ sub: `audit-${randomUUID()}` })];
};

const oracleVerdict = ([spent, unknown]: [Exchange, Exchange]): Verdict => {
  const sent = 'forged tokens for the subject while its quota is spent, and for an unknown one';
  const [a, b] = [fingerprint(spent), fingerprint(unknown)];
  return a === b
    ? passed(sent, tally([spent.status, unknown.status]), measured('refusals compared', 2, 2))
    : failed(sent, firstDifference(a, b));
};

export const leakChecks: readonly Check[] = [sameBytes, errorBodies, timing, subjects];
/** Needs the limit, so it comes with those checks. */
export const oracleCheck: Check = oracle;
