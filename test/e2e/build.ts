// Before all end-to-end tests: builds the Worker once, and forgets the package that an earlier run packed.
import { rm } from 'node:fs/promises';
import { buildWorker } from '../../tools/build.ts';
import { packedDir } from '../fixtures/package.ts';

export const setup = async (): Promise<void> => {
  await Promise.all([buildWorker(), rm(packedDir, { recursive: true, force: true })]);
};
