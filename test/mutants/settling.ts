// Ways to break what a request spends once its answer is known, and who may be in flight.
import type { Mutant } from './mutant.ts';

const SETTLE = 'src/middleware/settle.ts';
const REAL_COST = 'src/quota/real-cost.ts';
const POOL = 'src/quota/slot-pool.ts';
const SLOTS = 'src/quota/slots.ts';
const DESK = 'src/limiter/slot-desk.ts';
const SPENT = ['test/unit/isolates/settle.test.ts'];
const TOLD = ['test/unit/real-cost.test.ts'];
const WHOLE = ['test/unit/isolates/whole-step.test.ts'];
const BOOKS = ['test/unit/slots.test.ts'];
const HOLDS = ['test/unit/holds.test.ts'];

export const settling: readonly Mutant[] = [
  {
    guard: 'who leaves before the answer has spent the cost',
    file: SETTLE,
    from: 'signal.aborted ? cost : 0',
    to: '0',
    tests: SPENT,
  },
  {
    guard: 'what an answer tells is settled',
    file: SETTLE,
    from: 'costOf = costTold(c, exchange);',
    to: '',
    tests: SPENT,
  },
  {
    guard: 'an answer of our own for an origin that failed is no answer of the origin’s',
    file: SETTLE,
    from: "trace.outcome === 'origin_error'",
    to: 'false',
    tests: SPENT,
  },
  {
    guard: 'a told cost is for nobody else',
    file: SETTLE,
    from: 'writableHeaders(c).delete(name)',
    to: 'writableHeaders(c)',
    tests: SPENT,
  },
  {
    guard: 'where several routes say what a request cost, the most counts',
    file: REAL_COST,
    from: 'Math.max(...membersOf(route).map((member) => costOn',
    to: 'Math.min(...membersOf(route).map((member) => costOn',
    tests: TOLD,
  },
  {
    guard: 'an answer is waited for only where every route lets it spend nothing, or one tells a cost',
    file: REAL_COST,
    from: 'members.every(({ count })',
    to: 'members.some(({ count })',
    tests: TOLD,
  },
  {
    guard: 'a status that does not count spends nothing, whatever it tells',
    file: REAL_COST,
    from: 'if (!spends) return 0;',
    to: '',
    tests: TOLD,
  },
  {
    guard: 'a class of statuses counts',
    file: REAL_COST,
    from: 'Math.floor(status / 100)',
    to: 'Math.floor(status / 1_000)',
    tests: TOLD,
  },
  {
    guard: 'a told cost is a number that a quota may have',
    file: REAL_COST,
    from: '/^\\d{1,15}(\\.\\d{1,15})?$/.test(text.trim())',
    to: '/./.test(text.trim())',
    tests: TOLD,
  },
  {
    guard: 'a told cost is rounded up',
    file: REAL_COST,
    from: 'Math.ceil(Number(text))',
    to: 'Math.floor(Number(text))',
    tests: TOLD,
  },
  {
    guard: 'what is held is counted apart from what is lent',
    file: 'src/limiter/grants.ts',
    from: 'holdMs === undefined ? this.#loans : this.#holds',
    to: 'this.#loans',
    tests: HOLDS,
  },
  {
    guard: 'a request waits for what is held as long as one may take',
    file: 'src/quota/permits.ts',
    from: 'held ? origin.timeoutMs : leaseMs',
    to: 'leaseMs',
    tests: WHOLE,
  },
  {
    guard: 'nothing is lent ahead where answers tell the cost',
    file: 'src/limiter/ledger.ts',
    from: '{ ...ask, want: waitingOf(ask), share: undefined }',
    to: 'ask',
    tests: HOLDS,
  },
  {
    guard: 'permits of a partition go back where another denies',
    file: 'src/middleware/limit.ts',
    from: 'if (revoked || refusing.length > 0) undo(exchange, outcomes);',
    to: '',
    tests: WHOLE,
  },
  {
    guard: 'nothing is kept of what a spent caller only names',
    file: 'src/quota/permits.ts',
    from: 'if (areHeld) return this.#takeAll(asker, holdings, now);',
    to: 'this.#remember(holdings); if (areHeld) return this.#takeAll(asker, holdings, now);',
    tests: ['test/unit/isolates/kept.test.ts'],
  },
  {
    guard: 'a claim’s value is one issuer’s alone',
    file: 'src/partition.ts',
    from: "JSON.stringify(['claim', issuer, claim, value])",
    to: "JSON.stringify(['claim', claim, value])",
    tests: ['test/unit/partition.test.ts'],
  },
  {
    guard: 'no more slots are lent than there are',
    file: 'src/limiter/slots.ts',
    from: 'names.slice(0, Math.max(0, free))',
    to: 'names.slice(0, Math.max(0, free + 1))',
    tests: BOOKS,
  },
  {
    guard: 'a renewal that comes after the end takes no slot',
    file: 'src/limiter/slots.ts',
    from: 'names.filter((each) => !this.#ended.has(each))',
    to: 'names',
    tests: BOOKS,
  },
  {
    guard: 'who waits for a slot is served when one comes back',
    file: DESK,
    from: 'if (reply.lent > 0) waiting.answer(reply);',
    to: '',
    tests: BOOKS,
  },
  {
    guard: 'beside slots of the failure policy no more are taken than there are',
    file: POOL,
    from: 'isFull(pool, now) ? undefined : lent.shift()',
    to: 'lent.shift()',
    tests: WHOLE,
  },
  {
    guard: 'a slot goes to one of those that wait, not to two',
    file: POOL,
    from: "next.state = 'told';",
    to: '',
    tests: ['test/unit/slot-pool.test.ts'],
  },
  {
    guard: 'slots that nobody takes go back',
    file: SLOTS,
    from: 'if (unwanted.length > 0) await',
    to: 'if (unwanted.length < 0) await',
    tests: WHOLE,
  },
  {
    guard: 'a slot is given back when its request ends',
    file: SLOTS,
    from: 'if (endSlot(slot, Date.now())) asker',
    to: 'if (!endSlot(slot, Date.now())) asker',
    tests: WHOLE,
  },
  {
    guard: 'a slot is renewed while its request lives',
    file: SLOTS,
    from: 'slot.touchedAt = Date.now();',
    to: '',
    tests: WHOLE,
  },
  {
    guard: 'whose client left while it waited for a slot does not go on',
    file: SLOTS,
    from: 'allowed: !asker.signal.aborted, free: answer',
    to: 'allowed: true, free: answer',
    tests: WHOLE,
  },
];
