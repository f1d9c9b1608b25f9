// Traffic over isolates, and what came of it.
import { EPOCH } from '../policies.ts';
import { type Answer, Isolates, type Setup } from './isolates.ts';
import { VirtualTime } from './virtual-time.ts';

/** When a request is sent, milliseconds from the beginning, and at which isolate. */
export interface Sent {
  readonly at: number;
  readonly isolate: number;
}

export interface Result {
  readonly answers: readonly Answer[];
  readonly refused: number;
  readonly callsPerThousand: number;
  /** Median of what requests waited for their decision, milliseconds. */
  readonly medianWaitMs: number;
}

/** Isolates that have not been asked for long; `use` runs in virtual time. */
export const inVirtualTime = async <T>(
  setup: Setup,
  use: (isolates: Isolates, time: VirtualTime) => Promise<T>,
): Promise<T> => {
  const time = new VirtualTime(EPOCH);
  try {
    const isolates = new Isolates(time, setup);
    return await time.run(use(isolates, time));
  } finally {
    time.end();
  }
};

/** Sends each request when it is due, whatever became of the others. */
export const sendAll = async (
  isolates: Isolates,
  time: VirtualTime,
  sent: readonly Sent[],
): Promise<void> => {
  const start = time.now;
  const answers: Promise<Answer>[] = [];
  for (const { at, isolate } of sent) {
    await time.wait(start + at - time.now);
    answers.push(isolates.send(isolate));
  }
  await Promise.all(answers);
};

export const measure = (setup: Setup, sent: readonly Sent[]): Promise<Result> =>
  inVirtualTime(setup, async (isolates, time) => {
    await sendAll(isolates, time, sent);
    const { answers, calls } = isolates;
    const waits = answers.map(({ cameAt, decidedAt }) => decidedAt - cameAt).toSorted((a, b) => a - b);
    return {
      answers,
      refused: answers.filter(({ passed }) => !passed).length,
      callsPerThousand: (calls * 1_000) / answers.length,
      medianWaitMs: waits[Math.floor(waits.length / 2)] ?? 0,
    };
  });

/** So many a second for so long, where `isolateOf` says. */
export const paced = (perSecond: number, ms: number, isolateOf: (i: number) => number): Sent[] =>
  Array.from({ length: Math.floor((ms * perSecond) / 1_000) }, (_, i) => ({
    at: (i * 1_000) / perSecond,
    isolate: isolateOf(i),
  }));
