// Checks: requests without a token, or with something that is none.
import { bearer, isAdmitted, isBroken } from '../audit-context.ts';
import type { Check } from '../check.ts';
import { failed, measured, passed, slightly } from '../types.ts';
import { type Attempt, allRefused, answersTo, described, listed, refusedAll, withToken } from './attempts.ts';

const none: Check = {
  id: 'tokens.none',
  severity: 'high',
  title: 'A request without a token is refused',
  owasp: 'API2:2023',
  rfc: 'RFC 6750 section 3',
  why: 'Whoever leaves the token out is nobody, and has neither rights nor a quota of their own.',
  fix: 'Refuse with 401 before anything else looks at the request.',
  needs: [],
  requests: 1,
  async run(audit) {
    const exchange = await audit.attempt({});
    audit.isProtected = !isAdmitted(exchange);
    const [sent, seen] = ['no Authorization header', `status ${exchange.status}`];
    const refused = exchange.status >= 300 && exchange.status < 500;
    return audit.isProtected ? passed(sent, seen, measured('refusals', refused ? 1 : 0)) : failed(sent, seen);
  },
};

const LONG = 9000;

const raw = (what: string, value: string): Attempt => ({
  what,
  call: { headers: [['Authorization', value]] },
});

const UNREADABLE: readonly Attempt[] = [
  withToken('one word', 'audit'),
  withToken('two dots', '..'),
  withToken('four parts', 'a.b.c.d'),
  withToken('parts that are not JSON', 'bm90.anNvbg.c2ln'),
  withToken('characters outside base64url', '$$$.%%%.^^^'),
  withToken('9,000 characters', `${'a'.repeat(LONG)}.b.c`),
  raw('an empty credential', 'Bearer '),
  raw('another scheme', 'Basic YXVkaXQ6YXVkaXQ='),
];

const malformed: Check = {
  id: 'tokens.malformed',
  severity: 'high',
  title: 'What is no token is refused, and breaks nothing',
  owasp: 'API2:2023',
  rfc: 'RFC 7519 section 7.2',
  why: 'A parser that throws, or that takes the unreadable for the anonymous, is a way in or a way to take the API down.',
  fix: 'Accept three non-empty base64url parts of bounded length after "Bearer "; answer everything else with the one 401.',
  needs: [],
  requests: UNREADABLE.length + 1,
  async run(audit) {
    const longer = withToken('the good token and a fourth part', `${audit.main.token}.audit`);
    const answers = await answersTo(audit, audit.jwt ? [...UNREADABLE, longer] : UNREADABLE);
    const wrong = answers.filter(({ exchange }) => isAdmitted(exchange) || isBroken(exchange));
    if (wrong.length === 0) return refusedAll(answers);
    const verdict = failed(listed(answers), described(wrong));
    // Whoever holds a good token gains nothing by it.
    const isSlight = wrong.every(({ what, exchange }) => what === longer.what && isAdmitted(exchange));
    return isSlight ? slightly(verdict) : verdict;
  },
};

const carriage: Check = {
  id: 'tokens.outside-header',
  severity: 'medium',
  title: 'A token in the query or the body is not accepted',
  owasp: 'API2:2023',
  rfc: 'RFC 9700 section 4.3.2; RFC 6750 section 5.3',
  why: 'Addresses end in logs, histories and Referer headers; a token in one is soon known to others.',
  fix: 'Read the token from the Authorization header only.',
  needs: ['protected'],
  requests: 5,
  async run(audit) {
    const { token } = audit.main;
    const form = (body: string) => ({
      method: 'POST',
      headers: [['Content-Type', 'application/x-www-form-urlencoded'] as const],
      body,
    });
    const attempts = [
      {
        what: 'query access_token',
        call: { path: withQuery(audit.client.target.path, `access_token=${token}`) },
      },
      { what: 'query token', call: { path: withQuery(audit.client.target.path, `token=${token}`) } },
      { what: 'query jwt', call: { path: withQuery(audit.client.target.path, `jwt=${token}`) } },
    ];
    // A POST that is admitted without any token says nothing of the token in its body.
    const open = isAdmitted(await audit.attempt(form('audit=1')));
    const inBody = { what: 'form access_token', call: form(`access_token=${token}`) };
    return allRefused(audit, open ? attempts : [...attempts, inBody]);
  },
};

/** The path with one more query parameter. */
export const withQuery = (path: string, query: string): string =>
  `${path}${path.includes('?') ? '&' : '?'}${query}`;

const repeated: Check = {
  id: 'tokens.two-headers',
  // Whether it can be used depends on what stands in front, which cannot be seen from outside.
  severity: 'low',
  title: 'Two Authorization headers are not accepted',
  owasp: 'API2:2023',
  rfc: 'RFC 9110 section 5.3',
  why: 'If the gateway reads one and the application the other, the caller who was checked is not the caller who is served.',
  fix: 'Refuse a request that has more than one Authorization header.',
  needs: ['protected'],
  requests: 2,
  run(audit) {
    const good = bearer(audit.main.token);
    const bad = bearer('audit');
    return allRefused(audit, [
      { what: 'the good token, then another', call: { headers: [good, bad] } },
      { what: 'another, then the good token', call: { headers: [bad, good] } },
    ]);
  },
};

export const missingTokenChecks: readonly Check[] = [none, malformed, carriage, repeated];
