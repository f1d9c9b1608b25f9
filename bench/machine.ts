// On what machine and with what a run was made.
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { loadTool } from './load.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly workerd: string;
  readonly load: string;
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()} ${arch()}`,
  node: process.version,
  workerd: versionOf('workerd'),
  load: loadTool,
});

const versionOf = (name: string): string => {
  const path = join(import.meta.dirname, '../node_modules', name, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')).version;
};
