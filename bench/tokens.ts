// The tokens of a contender, in memory and in a file for wrk.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contender } from './contenders.ts';

export interface Tokens {
  readonly tokens: readonly string[];
  readonly tokenFile: string;
}

/** Runs `use` with the tokens of all contenders, by id; the files are gone afterwards. */
export const withTokens = async <T>(
  contenders: readonly Contender[],
  use: (tokensOf: (contender: Contender) => Tokens) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    const made = new Map<string, Tokens>();
    for (const [index, contender] of contenders.entries()) {
      const tokens = await contender.tokens();
      const tokenFile = join(folder, `${index}.txt`);
      await writeFile(tokenFile, `${tokens.join('\n')}\n`, { mode: 0o600 });
      made.set(contender.id, { tokens, tokenFile });
    }
    return await use(({ id }) => made.get(id) ?? { tokens: [], tokenFile: '' });
  } finally {
    await rm(folder, { recursive: true });
  }
};
