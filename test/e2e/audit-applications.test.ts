// Applications as people write them, audited as a user would: each one's faults are found, and nothing else.
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { runAudit } from '../../tools/audit/engine.ts';
import { resolveTarget } from '../../tools/audit/http/target.ts';
import { DEFAULT_LIMITS, DEFAULT_ORIGIN } from '../../tools/audit/options.ts';
import { readSigningKey } from '../../tools/audit/tokens/keys.ts';
import type { Report } from '../../tools/audit/types.ts';
import { type Deployment, SECRET } from '../fixtures/applications/deployment.ts';
import { gunicorn, lack, lackOfRedis, uvicorn } from '../fixtures/applications/python.ts';
import {
  expressSound,
  fastapiSeed,
  fastapiSound,
  flaskSeed,
  flaskSound,
} from '../fixtures/applications/standins.ts';
import { tell } from '../fixtures/scale.ts';
import type { Served } from '../fixtures/weak/serve.ts';

const SOAK = process.env.SOAK !== undefined;
const RUNS = SOAK ? 10 : 1;
/** An audit of the whole takes so long, and a machine that is busy with others a little longer. */
const MAX_SECONDS = 60;
const TIMEOUT_MS = RUNS * 120_000;

const audit = async ({ url }: Served): Promise<Report> => {
  const token = await new SignJWT({ sub: `alice-${crypto.randomUUID()}` })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET));
  return runAudit({
    target: await resolveTarget(url),
    credentials: { token, publicKeys: [], signingKey: readSigningKey(SECRET, token), origin: DEFAULT_ORIGIN },
    limits: DEFAULT_LIMITS,
    signal: new AbortController().signal,
  });
};

const findings = ({ results }: Report): string[] =>
  results.filter(({ outcome }) => outcome === 'failed').map(({ id, severity }) => `${severity} ${id}`);

const MANNERS = [
  'medium manners.retry-after',
  'low manners.ratelimit-fields',
  'low manners.problem-json',
  'low manners.no-store',
];
const FLASK = ['high tokens.none', 'high tokens.malformed', 'high limits.token-spelling', ...MANNERS];
/** The path spelling is slowapi's: it counts by the path as it came, and Starlette serves one that ends with %0A, too. */
const FASTAPI = [
  'high tokens.malformed',
  'low tokens.two-headers',
  'medium tokens.server-error',
  'high limits.path-spelling',
  'low limits.flood',
  ...MANNERS,
];
const PER_WORKER = 'high limits.declared';

const minute = { quota: 60, windowSeconds: 60 };
const deployments: readonly Deployment[] = [
  { workers: 2, shared: false, ...minute },
  { workers: 1, shared: false, ...minute },
  { workers: 2, shared: true, ...minute },
  { workers: 1, shared: true, ...minute },
];
const firstIdle: Deployment = { workers: 2, shared: false, firstIdle: true, ...minute };
const text = ({ workers, shared }: Deployment): string =>
  `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${shared ? 'Redis' : 'memory'}`;

/** Each run with a server of its own: what one audit spent is not the next one's to find. */
const expectFindings = async (
  start: (deployment: Deployment) => Promise<Served>,
  deployment: Deployment,
  faults: readonly string[],
): Promise<void> => {
  const expected = [...faults, ...(deployment.workers > 1 && !deployment.shared ? [PER_WORKER] : [])];
  for (let run = 1; run <= RUNS; run++) {
    const server = await start(deployment);
    const report = await audit(server).finally(server.close);
    tell(`  ${text(deployment)}, run ${run}: ${report.seconds} s, ${report.requests} requests`);
    const seen = report.results.map(({ id, outcome, seen }) => `${id} ${outcome}: ${seen}`).join('\n');
    expect(findings(report).toSorted(), seen).toEqual(expected.toSorted());
    expect(report.stopped).toBeUndefined();
    expect(report.seconds).toBeLessThan(MAX_SECONDS);
  }
};

describe.concurrent('the audit finds the faults, and nothing else,', () => {
  it.each(deployments)('of Flask and Flask-Limiter, recorded: %j', { timeout: TIMEOUT_MS }, (deployment) =>
    expectFindings(flaskSeed, deployment, FLASK),
  );

  it.each([...deployments, firstIdle])(
    'of FastAPI and slowapi, recorded: %j',
    { timeout: TIMEOUT_MS },
    (deployment) => expectFindings(fastapiSeed, deployment, FASTAPI),
  );
});

const sounds: Readonly<Record<string, (deployment: Deployment) => Promise<Served>>> = {
  'Flask, recorded': flaskSound,
  'FastAPI, recorded': fastapiSound,
  Express: expressSound,
};

const expectSound = async (
  start: (deployment: Deployment) => Promise<Served>,
  deployment: Deployment,
): Promise<void> => {
  for (let run = 1; run <= RUNS; run++) {
    const server = await start(deployment);
    const report = await audit(server).finally(server.close);
    tell(`  sound, ${text(deployment)}, run ${run}: ${report.seconds} s, ${report.grade.arithmetic}`);
    expect(findings(report).filter((finding) => !finding.startsWith('low'))).toEqual([]);
    expect(report.results.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(25);
  }
};

const short = { quota: 40, windowSeconds: 10 };

describe.concurrent('the audit finds nothing above low', () => {
  it.each(Object.entries(sounds))('in a sound API of %s', { timeout: TIMEOUT_MS }, (_, start) =>
    expectSound(start, { workers: 1, shared: false, ...short }),
  );
});

// Real workers share a machine with whatever else runs on it, so these are for one that runs nothing else.
describe.skipIf(!SOAK)('with Debian’s own packages', () => {
  const noFlask = lack('flask', 'flask_limiter', 'gunicorn', 'jwt');
  const noFastapi = lack('fastapi', 'uvicorn', 'jwt', 'slowapi');
  const noSound = lack('fastapi', 'uvicorn', 'jwt', 'limits');
  const noRedis = lackOfRedis();

  it.for(deployments)(
    'Flask and Flask-Limiter: %j',
    { timeout: TIMEOUT_MS },
    async (deployment, { skip }) => {
      skip(noFlask !== undefined || (deployment.shared && noRedis !== undefined), noFlask ?? noRedis);
      await expectFindings((one) => gunicorn('flask_seed', one), deployment, FLASK);
    },
  );

  it.for(deployments)('FastAPI and slowapi: %j', { timeout: TIMEOUT_MS }, async (deployment, { skip }) => {
    skip(noFastapi !== undefined || (deployment.shared && noRedis !== undefined), noFastapi ?? noRedis);
    await expectFindings((one) => uvicorn('fastapi_seed', one), deployment, FASTAPI);
  });

  it('a sound API of Flask and Flask-Limiter', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    skip(noFlask !== undefined, noFlask);
    await expectSound((one) => gunicorn('flask_sound', one), { workers: 1, shared: false, ...short });
  });

  it('a sound API of FastAPI, counting in Redis', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    skip(noSound !== undefined || noRedis !== undefined, noSound ?? noRedis);
    await expectSound((one) => uvicorn('fastapi_sound', one), { workers: 2, shared: true, ...short });
  });
});
