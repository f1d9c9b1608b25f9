// Checks: what refusals tell those who are refused.
import { randomBytes, randomUUID } from 'node:crypto';
import { type Audit, bearer, isAdmitted, isBroken, isLimited, jwtOf } from '../audit-context.ts';
import { canMint } from '../callers.ts';
import type { Check } from '../check.ts';
import { excerpt, fingerprint, fingerprintBut, firstDifference } from '../fingerprint.ts';
import { type Exchange, header } from '../http/client.ts';
import { reasonsIn, showsInsides } from '../internals.ts';
import { exhaust, limitOf } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { ADMITTED, BROKEN, type Reason, ROUNDS, timingVerdict } from '../timing.ts';
import { badlySigned, encode, freshPayload, randomSignature } from '../tokens/jwt.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';
import { tally } from './attempts.ts';

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
  readonly token: string;
  readonly exchange: Exchange;
}

/** The answer to one token for each reason; those that are admitted belong to other checks. */
const answers = (audit: Audit): Promise<Refusal[]> =>
  audit.once('answers to refused tokens', async () => {
    const all: Refusal[] = [];
    for (const [reason, token] of await reasons(audit))
      all.push({ reason, token, exchange: await audit.attempt({ headers: [bearer(token)] }) });
    return all.filter(({ exchange }) => exchange.status >= 400);
  });

/** Those that are refusals; tokens that break the API belong to other checks. */
const refusals = async (audit: Audit): Promise<Refusal[]> =>
  (await answers(audit)).filter(({ exchange }) => !isBroken(exchange));

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
    if (first === undefined) throw new Inconclusive('nothing was refused');
    const sent = `one token each: ${all.map(({ reason }) => reason).join(', ')}`;
    const again = () => audit.attempt({ headers: [bearer(first.token)] });
    for (const { reason, exchange } of all) {
      const difference = await differenceOf(first.exchange, exchange, again);
      if (difference !== undefined)
        return failed(sent, `${first.reason} and ${reason} differ: ${difference}`);
    }
    return passed(
      sent,
      `${all.length} times the same ${first.exchange.status}`,
      measured('refusals compared', all.length, 2),
    );
  },
};

/**
 * In what two refusals differ, if in more than two answers to the same request do.
 * @param again sends once more what got the first of them.
 */
const differenceOf = async (
  one: Exchange,
  other: Exchange,
  again: () => Promise<Exchange>,
): Promise<string | undefined> => {
  if (fingerprint(one) === fingerprint(other)) return undefined;
  const print = fingerprintBut(one, await again());
  return print(one) === print(other) ? undefined : firstDifference(print(one), print(other));
};

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
    const all = await answers(audit);
    const sent = `the same ${all.length} tokens, and those of the checks before`;
    const insides = audit.refused.flatMap(textsOf).find(showsInsides);
    if (insides !== undefined) return failed(sent, excerpt(insides));
    const told = all.find(({ exchange }) => reasonsOf(exchange) !== '' && !isSaidToAll(exchange, all));
    return told === undefined
      ? passed(
          sent,
          'no reason, stack trace or path',
          measured('refusals read', (await refusals(audit)).length),
        )
      : failed(
          sent,
          `${told.reason}: ${excerpt(textsOf(told.exchange).find((text) => reasonsIn(text) !== ''))}`,
        );
  },
};

/** Where a refusal can say too much: its body and its challenge. */
const textsOf = (exchange: Exchange): string[] => [
  exchange.body,
  header(exchange, 'www-authenticate')?.replace(/realm="[^"]*"/, '') ?? '',
];

const reasonsOf = (exchange: Exchange): string => textsOf(exchange).map(reasonsIn).join('; ');

/** “Missing, malformed or expired”, said to everybody, is no reason. */
const isSaidToAll = (exchange: Exchange, all: readonly Refusal[]): boolean =>
  all.length > 1 && all.every((one) => reasonsOf(one.exchange) === reasonsOf(exchange));

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
    const difference = await differenceInTurn(audit, known, unknown);
    if (difference !== undefined)
      return failed('a bad signature for the subject and for an unknown one', difference);
    return timingVerdict(audit, [
      ['known subject', known],
      ['unknown subject', unknown],
    ]);
  },
};

const differenceInTurn = async (
  audit: Audit,
  one: () => string,
  other: () => string,
): Promise<string | undefined> => {
  const send = (token: () => string) => audit.attempt({ headers: [bearer(token())] });
  const [first, second] = [await send(one), await send(other)];
  if (isAdmitted(first)) throw new Inconclusive(ADMITTED);
  if (isBroken(first) && isBroken(second)) throw new Inconclusive(BROKEN);
  return differenceOf(first, second, () => send(one));
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
    const first = await forgedWhileSpent(audit, false);
    if (first.difference === undefined) return oracleVerdict(first);
    // A limit by address hits whichever comes at the wrong moment.
    const second = await forgedWhileSpent(audit, true);
    if (second.difference !== undefined && statusesOf(first) === statusesOf(second))
      return oracleVerdict(first);
    throw new Inconclusive(`seen once, and not the other way round: ${first.difference}`);
  },
};

/** The answers to forged tokens of the spent subject and of an unknown one. */
interface ForgedPair {
  readonly pair: readonly [spent: Exchange, unknown: Exchange];
  readonly difference: string | undefined;
}

const statusesOf = ({ pair }: ForgedPair): string => pair.map(({ status }) => status).join(' and ');

const forgedWhileSpent = async (audit: Audit, unknownFirst: boolean): Promise<ForgedPair> => {
  const limit = await limitOf(audit);
  for (let i = 0; i < ORACLE_TRIES; i++) {
    await exhaust(audit, limit, audit.main);
    const send = { spent: forged(audit, {}), unknown: forged(audit, { sub: `audit-${randomUUID()}` }) };
    const early = unknownFirst ? await send.unknown() : undefined;
    const pair = [await send.spent(), early ?? (await send.unknown())] as const;
    if (pair.some(isAdmitted)) throw new Inconclusive(ADMITTED);
    if (pair.every(isBroken)) throw new Inconclusive(BROKEN);
    // Both 429: whoever fails too often is limited just now, which says nothing of the subject.
    if (pair.every(isLimited)) await audit.pause(GATED_MS);
    else if (isLimited(await audit.get(audit.main)))
      return { pair, difference: await differenceOf(...pair, send.spent) };
  }
  throw new Inconclusive(
    'the quota renewed, or forged tokens were limited, each time before the answers were in',
  );
};

/** Sends a forged token of the subject, but for these claims. */
const forged = (audit: Audit, claims: Record<string, unknown>) => (): Promise<Exchange> =>
  audit.client.send({ headers: [bearer(badlySigned(jwtOf(audit), claims))] });

const oracleVerdict = ({ pair, difference }: ForgedPair): Verdict => {
  const sent = 'forged tokens for the subject while its quota is spent, and for an unknown one';
  return difference === undefined
    ? passed(sent, tally(pair.map(({ status }) => status)), measured('refusals compared', pair.length, 2))
    : failed(sent, difference);
};

export const leakChecks: readonly Check[] = [sameBytes, errorBodies, timing, subjects];
/** Needs the limit, so it comes with those checks. */
export const oracleCheck: Check = oracle;
