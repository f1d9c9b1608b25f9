// Checks: is there a limit, and whose is it?
import { isAdmitted } from '../audit-context.ts';
import { otherCaller, secondCaller } from '../callers.ts';
import type { Check } from '../check.ts';
import { exhaust, limitOf, NoLimit, noneWalksAround, seconds, type Variant } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { failed, measured, passed } from '../types.ts';

const exists: Check = {
  id: 'limits.exists',
  severity: 'high',
  title: 'A caller is limited',
  owasp: 'API4:2023',
  rfc: 'RFC 6585 section 4',
  why: 'Without a limit one caller, or one stolen token, can use up the API for all.',
  fix: 'Give every subject a quota, and answer 429 when it is spent.',
  needs: [],
  requests: 2,
  async run(audit) {
    const sent = 'good requests in a row';
    try {
      const { capacity, spendMs, denial } = await limitOf(audit);
      return passed(
        sent,
        `${capacity} admitted in ${seconds(spendMs)} s, then ${denial.status}`,
        measured('requests admitted before the denial', capacity),
      );
    } catch (error) {
      if (error instanceof NoLimit) return failed(sent, error.message);
      throw error;
    }
  },
};

const shared: Check = {
  id: 'limits.second-token',
  severity: 'high',
  title: 'Two tokens of one subject share its quota',
  owasp: 'API4:2023',
  rfc: 'RFC 9068 section 2.2 (sub)',
  why: 'If each token has a quota of its own, a new log-in is a new quota.',
  fix: 'Count by verified issuer and subject, not by token or session.',
  needs: ['limit', 'second-token'],
  requests: 4,
  async run(audit) {
    const caller = await secondCaller(audit);
    if (caller === undefined) throw new Inconclusive('needs --second-token');
    const what = 'another token of the subject';
    return noneWalksAround(audit, 'good requests', [{ what, send: () => audit.get(caller) }]);
  },
};

const spelling: Check = {
  id: 'limits.token-spelling',
  severity: 'high',
  title: 'Another spelling of the same token has no quota of its own',
  owasp: 'API4:2023',
  rfc: 'RFC 7515 section 2; RFC 9110 section 11.1',
  why: 'The scheme is case-insensitive, and lax base64url decoders take several texts for one signature.',
  fix: 'Count by what the verified token says, never by its text.',
  needs: ['limit', 'jwt'],
  requests: 12,
  run(audit) {
    const { token } = audit.main;
    const spelt = (what: string, value: string): Variant => ({
      what,
      send: async () =>
        audit.note(audit.main, await audit.client.send({ headers: [['Authorization', value]] })),
    });
    return noneWalksAround(audit, 'the token', [
      spelt('after "bearer"', `bearer ${token}`),
      spelt('after two spaces', `Bearer  ${token}`),
      spelt('with padding', `Bearer ${token}=`),
      spelt('with a fourth part', `Bearer ${token}.audit`),
      spelt('with more behind it', `Bearer ${token} audit`),
      spelt('with other spare bits in its last character', `Bearer ${otherSpareBits(token)}`),
    ]);
  },
};

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A lax decoder reads the same bytes: signatures of 32, 64 and 256 bytes leave bits of their last character unused. */
const otherSpareBits = (token: string): string =>
  token.slice(0, -1) + (ALPHABET[ALPHABET.indexOf(token.slice(-1)) ^ 1] ?? '');

const other: Check = {
  id: 'limits.other-subject',
  severity: 'high',
  title: 'A spent quota does not hit another subject',
  owasp: 'API4:2023',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 8.2',
  why: 'If callers share a counter (an address, the whole API), one of them shuts the others out.',
  fix: 'Give each verified subject a counter of its own; keep counters by address for those who have no identity.',
  needs: ['limit', 'other-token'],
  requests: 3,
  async run(audit) {
    const caller = await otherCaller(audit);
    if (caller === undefined) throw new Inconclusive('needs --other-token');
    const limit = await limitOf(audit);
    for (let i = 0; i < 2 && !audit.perSubject; i++) {
      await exhaust(audit, limit, audit.main);
      audit.perSubject = isAdmitted(await audit.get(caller));
    }
    const sent = 'another subject’s token while the quota is spent';
    return audit.perSubject
      ? passed(sent, 'admitted', measured('requests of the other subject admitted', 1))
      : failed(sent, 'denied as well');
  },
};

/** Whose the quota is comes first: a fresh subject is what other checks compare with. */
export const ownerChecks: readonly Check[] = [exists, other];
export const tokenChecks: readonly Check[] = [shared, spelling];
