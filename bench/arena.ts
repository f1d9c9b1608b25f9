// Contenders that run: each in a workerd of its own, with its objects, on its own socket. Storage lies in memory where
// the system has such a folder: the objects' work is measured, not this machine's disk.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pidListeningOn } from '../test/fixtures/process.ts';
import { startWeir, type Weir } from '../test/fixtures/weir.ts';
import { readWorker } from '../tools/build.ts';
import { bundle } from './bundle.ts';
import type { Contender } from './contenders.ts';

export interface Running {
  readonly contender: Contender;
  readonly url: string;
  readonly pid: number;
  /** Calls of its objects and rows they wrote so far; only where it was started counted. */
  counts(): Promise<Counts>;
  /** Drops the memory of every object; storage stays. */
  evict(): Promise<void>;
  close(): Promise<void>;
}

export interface Counts {
  readonly calls: number;
  readonly rows: number;
}

/** @param counted with calls and rows counted, which costs time. */
export const start = async (contender: Contender, originUrl: string, counted: boolean): Promise<Running> => {
  const script =
    contender.worker === undefined ? (await readWorker()).script : await bundle(contender.worker);
  const modules = counted
    ? [module('index.js', await bundle('counted')), module('contender', script)]
    : [module('index.js', script)];
  const persist = await mkdtemp(join(storageRoot, 'weir-bench-'));
  const weir = await startWeir({
    persist,
    pulse: contender.pulse ?? false,
    vars: { ORIGIN_URL: originUrl, ...contender.vars },
    override: {
      modules,
      ...(contender.worker === undefined || contender.counted ? {} : { durableObjects: {} }),
    },
  });
  return {
    contender,
    url: `${weir.url}/v1/items?page=2`,
    ...processOf(weir),
    counts: countsOf(weir),
    evict: () => weir.evictLimiters(),
    async close() {
      await weir.close();
      await rm(persist, { recursive: true });
    },
  };
};

const storageRoot = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const module = (path: string, contents: string) => ({ type: 'ESModule' as const, path, contents });

const processOf = ({ url }: Weir): { pid: number } => {
  const pid = pidListeningOn(Number(new URL(url).port));
  if (pid === undefined) throw new Error(`no process of ours listens at ${url}`);
  return { pid };
};

const countsOf = (weir: Weir) => async (): Promise<Counts> => {
  const answer = await weir.fetch('/counts');
  return (await answer.json()) as Counts;
};
