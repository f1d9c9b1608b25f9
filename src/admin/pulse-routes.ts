// What Pulse has counted, for the console, the terminal and Prometheus.
import { Hono } from 'hono';
import { formatFor, metricsText } from '../pulse/metrics.ts';
import { RANGES, type Range } from '../pulse/state.ts';
import { type AdminContext, type AdminEnv, neededPulse } from './context.ts';
import { partitionQuery, pulseQuery } from './schemas.ts';
import { takes } from './validate.ts';
import type { PulseView } from './views.ts';

/** How often a stream sends a view. */
const LIVE_MS = 2_000;
/** Views after which a stream ends, since a request may make 50 calls on the free plan; clients reconnect. */
const LIVE_VIEWS = 40;

export const pulseRoutes = new Hono<AdminEnv>()
  .get(
    '/pulse',
    takes({ summary: 'What was counted, up to a day back', query: pulseQuery, answer: 'Any' }),
    async (c) => c.json(await viewOf(c, c.req.valid('query'))),
  )
  .get(
    '/live',
    takes({ summary: 'The same every two seconds, as server-sent events', query: pulseQuery, answer: 'Any' }),
    (c) => {
      const query = c.req.valid('query');
      neededPulse(c);
      return c.body(
        viewsEvery(LIVE_MS, () => viewOf(c, query)),
        200,
        { 'Content-Type': 'text/event-stream' },
      );
    },
  )
  .get(
    '/history',
    takes({ summary: 'A partition’s last minutes', query: partitionQuery.look, answer: 'Any' }),
    async (c) => c.json(await neededPulse(c).caller(Date.now(), c.req.valid('query').partition)),
  )
  .get('/changes', takes({ summary: 'The audit trail, newest first', answer: 'Any' }), async (c) =>
    c.json({ changes: await neededPulse(c).changes() }),
  );

/** Totals as text for Prometheus. */
export const metrics = async (c: AdminContext): Promise<Response> => {
  const format = formatFor(c.req.header('Accept'));
  const text = metricsText(await neededPulse(c).totals(Date.now()), format);
  return c.body(text, 200, { 'Content-Type': format.contentType });
};

interface PulseQuery {
  readonly range?: Range | undefined;
  readonly minutes?: string | undefined;
}

const viewOf = async (c: AdminContext, { range = '15m', minutes = '5' }: PulseQuery): Promise<PulseView> => {
  const at = Date.now();
  const view = await neededPulse(c).view(at, range, Number(minutes));
  const { spanMs, points } = RANGES[range];
  const start = (Math.floor(at / spanMs) - points + 1) * spanMs;
  return { ...view, at, range, start, spanMs, named: c.get('config').partitionSecret !== undefined };
};

/** Server-sent events (HTML standard, section 9.2), each made when the client has read the one before. */
const viewsEvery = (ms: number, view: () => Promise<PulseView>): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  let sent = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (sent > 0) await scheduler.wait(ms);
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(await view())}\n\n`));
        sent++;
        if (sent === LIVE_VIEWS) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
};
