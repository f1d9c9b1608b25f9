// The live view: one stream at a time, taken up again whenever it ends.
import { useEffect, useState } from 'preact/hooks';
import type { PulseView } from '../src/admin/views.ts';
import type { Range } from '../src/pulse/state.ts';
import { type Api, Refused } from './api.ts';

export interface Live {
  readonly view: PulseView | undefined;
  readonly state: 'connecting' | 'live' | 'lost' | 'unbound';
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

export const useLive = (api: Api, range: Range, minutes: number): Live => {
  const [live, setLive] = useState<Live>({ view: undefined, state: 'connecting' });
  useEffect(() => {
    const stop = new AbortController();
    follow(api, range, minutes, stop.signal, setLive);
    return () => stop.abort();
  }, [api, range, minutes]);
  return live;
};

type Update = (change: (before: Live) => Live) => void;

const follow = async (api: Api, range: Range, minutes: number, signal: AbortSignal, update: Update) => {
  let wait = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      for await (const view of api.live({ range, minutes: String(minutes) }, signal)) {
        wait = FIRST_RETRY_MS;
        update(() => ({ view, state: 'live' }));
      }
    } catch (error) {
      if (signal.aborted) return;
      const unbound = error instanceof Refused && error.status === 501;
      update(({ view }) => ({ view, state: unbound ? 'unbound' : 'lost' }));
      wait = Math.min(LONGEST_RETRY_MS, wait * 2);
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
};
