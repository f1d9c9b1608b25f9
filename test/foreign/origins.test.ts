// Real origins behind the built Worker: whatever spelling reaches a protected handler, its route has decided.

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JAVASCRIPT, PROGRAMS, type RealOrigin } from '../fixtures/origins/all.ts';
import { HANDLERS, ROUTES, SCRIPT } from '../fixtures/origins/handlers.ts';
import type { Running } from '../fixtures/origins/program.ts';
import { Speller, type Spelling } from '../fixtures/origins/spellings.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir, zoneOrigin } from '../fixtures/weir.ts';

/** Spellings tried on a zone route, and under `ORIGIN_URL`, where the runtime rewrites some. */
const COUNTS = [scaled(500, 5_000), scaled(150, 5_000)] as const;
const SEED = 16;
const AT_ONCE = 16;
const VARS = {
  LIMITS: '10000000/minute',
  ANONYMOUS_LIMITS: '10000000/minute',
  PREFLIGHT_LIMITS: '10000000/minute',
  UNAUTHORIZED_DELAY_MS: '0',
  ORIGIN_TIMEOUT_MS: '5000',
  ROUTES,
};

/** What came of one request. */
interface Answer {
  readonly status: number;
  /** The handler that it reached. */
  readonly reached: string | undefined;
  /** Weir refused it for want of a scope. */
  readonly scopeRefused: boolean;
}

const answerTo = async (
  weir: Weir,
  spelling: Spelling,
  authorization: string | undefined,
): Promise<Answer> => {
  const { method, target, headers, body } = spelling;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...['Host: api.test', 'Connection: close', ...headers],
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...(body === '' && method !== 'POST' ? [] : [`Content-Length: ${body.length}`]),
  ];
  const { hostname, port } = new URL(weir.url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  const answer = await text(socket).catch(() => '');
  return {
    status: Number(answer.split(' ')[1] ?? 0),
    reached: /^x-reached: (\w+)/im.exec(answer)?.[1],
    scopeRefused: answer.includes('error="insufficient_scope"'),
  };
};

/** One row of the table in docs/architecture.md. */
interface Figures {
  tried: number;
  reached: number;
  refused: number;
  /** Refused for want of a scope though the origin would have had no such handler. */
  overCovered: number;
  /** Reached a handler without what its route demands. */
  readonly weaker: string[];
}

const shown = ({ method, target, headers, body }: Spelling): string =>
  JSON.stringify([method, target, ...headers, body.slice(-60)]);

const tryAll = async (weir: Weir, speller: Speller, count: number): Promise<Figures> => {
  const figures: Figures = { tried: 0, reached: 0, refused: 0, overCovered: 0, weaker: [] };
  const scope = [...HANDLERS, SCRIPT].map(({ name }) => name).join(' ');
  const [{ Authorization: full }, { Authorization: bare }] = await Promise.all([bearer({ scope }), bearer()]);
  const tryNext = async (): Promise<void> => {
    while (figures.tried++ < count) {
      const next = speller.next();
      const allowed = await answerTo(weir, next, full);
      const without = await answerTo(weir, next, allowed.reached === 'account' ? undefined : bare);
      if (allowed.reached !== undefined) speller.keep(next);
      figures.reached += Number(allowed.reached !== undefined);
      figures.refused += Number(allowed.status === 400 && without.status === 400);
      figures.overCovered += Number(allowed.reached === undefined && without.scopeRefused);
      if (without.reached !== undefined) figures.weaker.push(`${shown(next)} reached ${without.reached}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tryNext));
  return { ...figures, tried: count };
};

describe.each([...JAVASCRIPT, ...PROGRAMS])('$name', ({ name, handlers, lack, start }: RealOrigin) => {
  const lacking = lack();
  let origin: Running;
  let ways: (readonly [string, Weir, number])[] = [];

  beforeAll(async () => {
    if (lacking !== undefined) return tell(`${name}: skipped, ${lacking}`);
    origin = await start();
    const [zone, named] = await Promise.all([
      startWeir({ ...zoneOrigin(origin.address), vars: VARS }),
      startWeir({ vars: { ...VARS, ORIGIN_URL: `http://${origin.address}` } }),
    ]);
    ways = [
      ['on a zone route', zone, COUNTS[0]],
      ['under ORIGIN_URL', named, COUNTS[1]],
    ];
  });
  afterAll(async () => {
    await Promise.all(ways.map(([, weir]) => weir.close()));
    await origin?.close();
  });

  test.skipIf(lacking !== undefined)(
    'reaches no protected handler by another spelling but through its route',
    { timeout: SOAK_TIMEOUT_MS },
    async () => {
      const weaker: string[] = [];
      for (const [way, weir, count] of ways) {
        const { weaker: found, ...figures } = await tryAll(weir, new Speller(handlers, SEED), count);
        tell(`${name} ${way}: ${JSON.stringify(figures)}`);
        weaker.push(...found);
        expect(figures.reached).toBeGreaterThan(count / 20);
        expect(weir.logs().filter(({ message }) => /uncaught|misconfigured/i.test(message))).toEqual([]);
      }
      expect(weaker).toEqual([]);
    },
  );
});
