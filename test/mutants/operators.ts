// What keeps callers from what operators see and do, and what operators see exact.
import type { Mutant } from './mutant.ts';

const GUARD = 'src/admin/guard.ts';
const CONSOLE = 'src/middleware/console.ts';
const REPORTER = 'src/pulse/reporter.ts';
const STATE = 'src/pulse/state.ts';
const PULSE = ['test/e2e/pulse.test.ts'];
const CONSOLE_HOST = ['test/foreign/console.test.ts'];

export const operators: readonly Mutant[] = [
  {
    guard: 'the admin API is for whoever holds its token',
    file: GUARD,
    from: ' || !(await holdsOne(c, gate, tokens))',
    to: '',
    tests: PULSE,
  },
  {
    guard: 'a page of another site may not use the admin API, even with the token',
    file: GUARD,
    from: ' || isOfAnotherSite(c)',
    to: '',
    tests: PULSE,
  },
  {
    guard: 'the token of the metrics opens nothing else',
    file: 'src/admin/admin.ts',
    from: 'app.use(guard(({ adminToken }) => [adminToken]));',
    to: 'app.use(guard(({ adminToken, metricsToken }) => [adminToken, metricsToken]));',
    tests: PULSE,
  },
  {
    guard: 'the console is at its own host alone',
    file: CONSOLE,
    from: 'isAt(c.req.url, consoleHost) ?',
    to: "isAt(c.req.url, consoleHost) || c.req.path === '/' ?",
    tests: CONSOLE_HOST,
  },
  {
    guard: 'at the console’s host there is nothing of the origin’s',
    file: CONSOLE,
    from: '? answer(c.req.method, c.req.path) : next()',
    to: "&& !c.req.path.startsWith('/hello') ? answer(c.req.method, c.req.path) : next()",
    tests: CONSOLE_HOST,
  },
  {
    guard: 'nobody may put the console into a frame',
    file: CONSOLE,
    from: '    "frame-ancestors \'none\'",\n',
    to: '',
    tests: CONSOLE_HOST,
  },
  {
    guard: 'an isolate keeps what it has told until storage has it',
    file: REPORTER,
    from: 'number > stored && at > oldest',
    to: 'number > added && at > oldest',
    tests: PULSE,
  },
  {
    guard: 'a report that comes again is added once',
    file: STATE,
    from: 'batches.filter(({ number }) => number > known.added)',
    to: 'batches',
    tests: ['test/unit/pulse/state.test.ts'],
  },
  {
    guard: 'a revocation covers tokens of an issuer whose clock is fast',
    file: 'src/admin/partitions.ts',
    from: ' + request.config.tokens.clockToleranceSeconds * 1000',
    to: '',
    tests: ['test/e2e/revoke.test.ts'],
  },
  {
    guard: 'where no issuer is configured, the admin API asks whose subject it is',
    file: 'src/admin/partitions.ts',
    from: "if (issuer !== undefined && !issuer.includes('{')) return issuer;",
    to: "return issuer ?? '';",
    tests: ['test/e2e/admin.test.ts'],
  },
  {
    guard: 'a route in shadow mode shadows its own limits alone',
    file: 'src/quota/plan.ts',
    from: "mode: route.mode === 'enforce' ? 'enforce' : limit.mode,",
    to: 'mode: route.mode,',
    tests: ['test/e2e/routes.test.ts'],
  },
  {
    guard: 'whom an operator blocked stays so without a Limiter',
    file: 'src/quota/failure-policy.ts',
    from: 'if (isBlocked(holding, now)) return always(false)(holding, error);',
    to: '',
    tests: ['test/unit/failure-policy.test.ts'],
  },
  {
    guard: 'under `local` what is given back was not spent',
    file: 'src/quota/failure-policy.ts',
    from: 'settle: allowed ? settle : undefined,',
    to: 'settle: undefined,',
    tests: ['test/unit/failure-policy.test.ts'],
  },
];
