// What every page may use.
import type { Range } from '../src/pulse/state.ts';
import type { Api } from './api.ts';
import type { Live } from './live.ts';

export interface Page {
  readonly api: Api;
  readonly live: Live;
  readonly range: Range;
  readonly minutes: number;
  readonly setMinutes: (minutes: number) => void;
  readonly scheme: string;
  /** As the address names it: the page, then what it is about. */
  readonly path: readonly string[];
  readonly say: (text: string, undo?: () => void, isBad?: boolean) => void;
}
