// The run: contenders in turn, round after round, so that whatever else the machine does meets them all alike.
import { type Running, start } from './arena.ts';
import type { Contender } from './contenders.ts';
import { type Sample, sample, type Traffic, traffic, warm } from './measure.ts';
import type { Tokens } from './tokens.ts';

export interface RunOptions {
  readonly contenders: readonly Contender[];
  readonly originUrl: string;
  readonly tokensOf: (contender: Contender) => Tokens;
  /** How often all contenders are started anew. */
  readonly starts: number;
  /** After each start. */
  readonly rounds: number;
  /** Of load on each contender in each round; whole, since wrk takes no others. */
  readonly seconds: number;
  /** Of counting calls and rows. */
  readonly countSeconds: number;
  /** Of load on each before the first round, so that its code is compiled. */
  readonly warmSeconds: number;
  readonly progress: (line: string) => void;
}

export interface Measured {
  readonly contender: Contender;
  /** One for each round, in order. */
  readonly samples: readonly Sample[];
  readonly traffic: Traffic;
}

export const runRounds = async (options: RunOptions): Promise<Measured[]> => {
  const samples = await timed(options);
  const measured: Measured[] = [];
  for (const contender of options.contenders) {
    if (contender.counted)
      options.progress(`(${contender.id}) counting calls and rows at 1,000 requests a second`);
    measured.push({
      contender,
      samples: samples.filter(({ id }) => id === contender.id),
      traffic: contender.counted ? await counted(options, contender) : NO_TRAFFIC,
    });
  }
  return measured;
};

const NO_TRAFFIC: Traffic = { requestsPerSecond: 0, callsPer1000: 0, rowsPer1000: 0 };

const counted = ({ originUrl, tokensOf, countSeconds }: RunOptions, contender: Contender) =>
  traffic(contender, originUrl, tokensOf(contender), countSeconds);

/** A process keeps what chance gave it: memory laid out so or so, code compiled so or so. New ones even that out. */
const timed = async (options: RunOptions): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for (let i = 0; i < options.starts; i++) {
    options.progress(`start ${i + 1}/${options.starts}`);
    samples.push(...(await oneStart(options)));
  }
  return samples;
};

const oneStart = async (options: RunOptions): Promise<Sample[]> => {
  const running: Running[] = [];
  try {
    for (const contender of options.contenders) running.push(await startWarm(options, contender));
    const samples: Sample[] = [];
    for (let round = 0; round < options.rounds; round++)
      // Back and forth, so that nobody always comes after the same neighbour.
      for (const each of round % 2 === 0 ? running : running.toReversed())
        samples.push(await oneSample(options, each, round));
    return samples;
  } finally {
    await Promise.all(running.map((each) => each.close()));
  }
};

const startWarm = async (
  { originUrl, tokensOf, warmSeconds, progress }: RunOptions,
  contender: Contender,
): Promise<Running> => {
  progress(`(${contender.id}) starting and warming: ${contender.title}`);
  const running = await start(contender, originUrl, false);
  await warm(running, tokensOf(contender));
  await sample(running, tokensOf(contender), warmSeconds);
  return running;
};

const oneSample = async (options: RunOptions, running: Running, round: number): Promise<Sample> => {
  const { contender } = running;
  const taken = await sample(running, options.tokensOf(contender), options.seconds);
  const rate = Math.round(taken.requestsPerSecond);
  options.progress(
    `round ${round + 1}/${options.rounds} (${contender.id}) ${rate}/s ${taken.cpuUs.toFixed(0)} µs`,
  );
  return taken;
};
