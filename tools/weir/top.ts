// Who is refused most: the log lines of the last minute, counted by partition and route.
import type { PulseView } from '../../src/admin/views.ts';
import { command, flag, paint, say, seconds, table, text, whole } from '../cli.ts';
import { call, type Target, targetOf } from './client.ts';
import { liveText } from './live.ts';
import { jsonOf, type Line, linesOf, openTail } from './tail.ts';

/** Partitions and routes that are kept; more of them drop the ones seen longest ago. */
const CAPACITY = 10_000;

interface Count {
  readonly partition: string;
  readonly route: string;
  readonly outcome: string;
  /** When each of its lines came, milliseconds since the epoch. */
  readonly times: number[];
}

/** Counts log lines over a moving time. */
export class Ranking {
  readonly #counts = new Map<string, Count>();
  readonly #windowMs: number;

  /** @param windowMs how long a line counts. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add({ outcome, partition = '-', route = '-' }: Line, now: number): void {
    const key = JSON.stringify([partition, route, outcome]);
    const count = this.#counts.get(key) ?? {
      partition: String(partition),
      route: String(route),
      outcome,
      times: [],
    };
    count.times.push(now);
    this.#counts.delete(key);
    this.#counts.set(key, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > CAPACITY && oldest !== undefined) this.#counts.delete(oldest);
  }

  /** The `most` entries with the most lines, and how many each has. */
  top(most: number, now: number): readonly (Omit<Count, 'times'> & { readonly lines: number })[] {
    for (const [key, { times }] of this.#counts) {
      const first = times.findIndex((time) => time > now - this.#windowMs);
      if (first < 0) this.#counts.delete(key);
      else times.splice(0, first);
    }
    return [...this.#counts.values()]
      .map(({ times, ...rest }) => ({ ...rest, lines: times.length }))
      .toSorted((a, b) => b.lines - a.lines)
      .slice(0, most);
  }
}

const MINUTE = 60;
const REFRESH_MS = 2_000;

/** Runs the command. */
export const top = (): Promise<void> =>
  command({
    name: 'top',
    about: `Counts Weir's log lines by partition and route: from the deployed Worker by wrangler tail, or from what is piped in.
A Worker that refuses more than ten a second logs ten of them in each isolate, so these are shares and not numbers.
With --url it shows what Weir itself counts, exactly: requests a second, Weir's own wait, top callers, reasons.`,
    options: {
      url: text('<url>', 'of a Weir that has PULSE bound; on a terminal the default is WEIR_URL'),
      last: seconds('how long a line counts; default 1m', MINUTE),
      rows: whole({ min: 1, max: 1_000 }, 'how many are shown; default 20', 20),
      once: flag('prints once, when the input ends'),
    },
    async run({ url, last, rows, once }) {
      const live = url ?? (process.stdin.isTTY ? process.env.WEIR_URL : undefined);
      if (live !== undefined) return showLive(targetOf(live), rows, once || !process.stdout.isTTY);
      const ranking = new Ranking(last * 1_000);
      const timer =
        once || !process.stdout.isTTY ? undefined : setInterval(() => draw(ranking, rows), REFRESH_MS);
      for await (const value of jsonOf(openTail([])))
        for (const line of linesOf(value)) ranking.add(line, Date.now());
      clearInterval(timer);
      return say(rankingText(ranking, rows));
    },
  });

/** Lists in the live view, which share the rows. */
const LISTS = 4;

/** Shows the live view until interrupted, or once. */
const showLive = async (target: Target, rows: number, once: boolean): Promise<number> => {
  for (;;) {
    const view = await call<PulseView>(target, 'GET', 'pulse');
    const shown = liveText(view, Math.max(1, Math.ceil(rows / LISTS)));
    if (once) return say(shown);
    say(`${CLEAR}${shown}`);
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
};

const CLEAR = '\x1b[H\x1b[2J';

/** On a terminal the table stands at its top. */
const draw = (ranking: Ranking, rows: number): number => say(`${CLEAR}${rankingText(ranking, rows)}`);

const rankingText = (ranking: Ranking, rows: number): string => {
  const ranked = ranking.top(rows, Date.now());
  if (ranked.length === 0) return 'no log lines\n';
  const cells = ranked.map(({ lines, outcome, route, partition }) => [
    paint('bold', String(lines)),
    outcome,
    route,
    partition,
  ]);
  return `${table(['LINES', 'OUTCOME', 'ROUTE', 'PARTITION'], cells)}\n`;
};
