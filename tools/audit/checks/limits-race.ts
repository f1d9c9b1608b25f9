// Checks: does the limit hold when requests come all at once?
import { type Audit, authorised, type Caller, isAdmitted } from '../audit-context.ts';
import { freshCaller } from '../callers.ts';
import type { Check } from '../check.ts';
import { pipeline } from '../http/pipeline.ts';
import { countAdmitted, type Limit, limitOf, refilled, repeated, SHORT_WINDOW_MS } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';

const race = { severity: 'high', owasp: 'API4:2023', needs: ['limit', 'one-counter'] } as const;

/** Permits left when the rush begins. */
const LEFT = 10;
/** How many more come than there are permits. */
const OVER = 14;

interface Rush {
  readonly sent: number;
  readonly admitted: number;
  /** Most that an exact limit admits. */
  readonly most: number;
}

/** A way to send many requests at once to a caller with `left` permits: how many were sent and how many admitted. */
type Way = (
  audit: Audit,
  caller: Caller,
  serial: number,
  rush: number,
) => Promise<{ sent: number; admitted: number }>;

const rush = async (audit: Audit, limit: Limit, way: Way): Promise<Rush> => {
  const caller = await freshCaller(audit, limit);
  const left = Math.min(LEFT, limit.capacity);
  const count = Math.min(left + OVER, audit.client.budget.limits.rate);
  const start = performance.now();
  const { sent, admitted } = await way(audit, caller, limit.capacity - left, count);
  caller.account.lastAdmitted = performance.now();
  const back = await refilled(limit, performance.now() - start);
  return { sent, admitted, most: limit.most + back };
};

/** A window may turn during a rush, a short one more easily; so more than the limit counts only if it happens each time. */
const rushAgain = async (audit: Audit, way: Way): Promise<Verdict> => {
  const limit = await limitOf(audit);
  const tries = (await limit.renewMs()) <= SHORT_WINDOW_MS ? 3 : 2;
  let seen = await rush(audit, limit, way);
  for (let i = 1; i < tries && seen.admitted > seen.most; i++) seen = await rush(audit, limit, way);
  const text = `${seen.admitted} admitted where the serial limit is ${limit.capacity}`;
  return (seen.admitted > seen.most ? failed : passed)(
    `${seen.sent} requests, the last of them together`,
    text,
    measured('requests admitted', seen.admitted, Math.max(1, Math.ceil(limit.capacity / 2))),
    // Where none is denied, the limit was not met at all.
    measured('requests denied', seen.sent - seen.admitted),
  );
};

/** Serial requests first, as many as one second has room for together with the rush; the others before, at leisure. */
const spendSerially = async (
  audit: Audit,
  caller: Caller,
  serial: number,
  rushCount: number,
): Promise<[number, number]> => {
  const room = Math.max(0, Math.min(serial, audit.client.budget.limits.rate - rushCount));
  const before = await countAdmitted(audit, caller, serial - room);
  return [before, room];
};

const parallel: Check = {
  ...race,
  id: 'limits.parallel',
  title: 'A burst of parallel requests gets no more than the limit',
  rfc: 'CWE-362',
  why: 'A counter that is read, waited for and written lets everybody through who comes in between.',
  fix: 'Take the permit in one atomic step, before any wait.',
  requests: 50,
  run: (audit) => rushAgain(audit, inParallel),
};

const inParallel: Way = async (audit, caller, serial, count) => {
  const [before, room] = await spendSerially(audit, caller, serial, count);
  const [first, rest] = await audit.client.sprint(repeated(caller, room), repeated(caller, count));
  const admitted = before + [...first, ...rest].filter(isAdmitted).length;
  return { sent: serial + count, admitted };
};

const pipelined: Check = {
  ...race,
  id: 'limits.pipelining',
  title: 'Pipelined requests on one connection get no more than the limit',
  rfc: 'RFC 9112 section 9.3.2',
  why: 'A gateway that counts connections, or only the first request on each, lets the others through uncounted.',
  fix: 'Count every request, whatever connection it comes on.',
  requests: 50,
  run: (audit) => rushAgain(audit, inOneWrite),
};

const inOneWrite: Way = async (audit, caller, serial, count) => {
  const [before, room] = await spendSerially(audit, caller, serial, count);
  const { client, signal } = audit;
  const [first] = await client.sprint(repeated(caller, room));
  await client.budget.take(count);
  const statuses = await pipeline(client.target, authorised(caller), count, signal);
  if (statuses.length === 0) throw new Inconclusive('the server does not answer pipelined requests');
  for (const status of statuses) client.observe(status);
  const admitted =
    before + first.filter(isAdmitted).length + statuses.filter((s) => s >= 200 && s < 300).length;
  return { sent: serial + statuses.length, admitted };
};

export const raceChecks: readonly Check[] = [parallel, pipelined];
