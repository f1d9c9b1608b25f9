// `Server-Timing` (W3C): our own milliseconds by step, for tuning. On Workers the clock advances only with I/O.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from './step.ts';

/** The step, timed under a name; unchanged where `SERVER_TIMING` is off. */
export const timed = ({ serverTiming }: Config, name: string, step: Step): Step => {
  if (!serverTiming) return step;
  return function timed(c, next) {
    const exchange = c.get('exchange');
    exchange.laps = [...(exchange.laps ?? []), { name, from: Date.now() }];
    return step(c, next);
  };
};

/** Each step lasted until the next began. A 401 gets no timing, which would tell one refused token from another. */
export const addServerTiming = (exchange: Exchange, headers: Headers): void => {
  const { laps = [], trace } = exchange;
  if (laps.length === 0 || trace.outcome === 'unauthorized') return;
  const ends = [...laps.slice(1).map(({ from }) => from), Date.now()];
  const metrics = laps.map(({ name, from }, i) => `${name};dur=${(ends[i] ?? from) - from}`);
  headers.append('Server-Timing', metrics.join(', '));
};
