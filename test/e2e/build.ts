// Builds the Worker once, before all end-to-end tests.
import { buildWorker } from '../../tools/build.ts';

export const setup = (): Promise<void> => buildWorker();
