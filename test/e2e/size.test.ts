import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readWorker } from '../../tools/build.ts';

const KB = 1024;

it('the built Worker is at most 92 KB gzipped, as wrangler counts it', async () => {
  const { script } = await readWorker();
  expect(gzipSync(script).byteLength).toBeLessThanOrEqual(92 * KB);
});
