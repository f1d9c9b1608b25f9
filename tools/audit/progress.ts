// One line that shows how far the audit is; on a terminal only.
import type { WriteStream } from 'node:tty';
import type { Progress } from './engine.ts';

const WIDTH = 24;

/** @returns undefined where nobody watches. */
export const progressBar = (stream: WriteStream): ((progress: Progress) => void) | undefined => {
  if (!stream.isTTY) return undefined;
  return function draw({ done, total, requests, next }) {
    const filled = Math.round((WIDTH * done) / Math.max(1, total));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    const line = `${bar} ${done}/${total}  ${requests} requests  ${next ?? ''}`;
    stream.write(
      next === undefined ? '\r\u001b[K' : `\r\u001b[K${line.slice(0, (stream.columns || 80) - 1)}`,
    );
  };
};
