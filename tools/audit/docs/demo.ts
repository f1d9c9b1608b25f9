// Audits Weir's demo as `npm start` runs it, with tokens and keys as a user of the demo has them.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mint } from '../../demo/issuer.ts';
import { freePort } from '../../demo/ports.ts';
import { runAudit } from '../engine.ts';
import { resolveTarget } from '../http/target.ts';
import { DEFAULT_LIMITS, DEFAULT_ORIGIN } from '../options.ts';
import { readPublicKeys, readSigningKey } from '../tokens/keys.ts';
import type { Report } from '../types.ts';

const root = join(import.meta.dirname, '../../..');
const HOUR = 3600;
const FIRST_PORT = 18_000;

export const auditDemo = async (): Promise<Report> => {
  const demo = spawn(process.execPath, ['tools/demo.ts', '--port', String(await freePort(FIRST_PORT))], {
    cwd: root,
  });
  try {
    return await auditAt(await listening(demo.stdout));
  } finally {
    demo.kill('SIGTERM');
  }
};

const listening = (output: NodeJS.ReadableStream): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    output.on('data', (chunk) => {
      text += chunk;
      const url = /listens on (http:\/\/[\d.:]+)/.exec(text)?.[1];
      if (url) resolve(url);
    });
    output.on('end', () => reject(new Error(`the demo did not start: ${text}`)));
  });

const auditAt = async (url: string): Promise<Report> => {
  const pro = { tier: 'pro' };
  const token = await mint('alice', HOUR, pro);
  const key = readFileSync(join(root, '.wrangler/demo/key.json'), 'utf8');
  return runAudit({
    target: await resolveTarget(`${url}/hello`),
    credentials: {
      token,
      secondToken: await mint('alice', 2 * HOUR, pro),
      otherToken: await mint('bob', HOUR, pro),
      publicKeys: readPublicKeys(key),
      signingKey: readSigningKey(key, token),
      origin: DEFAULT_ORIGIN,
    },
    limits: DEFAULT_LIMITS,
    signal: new AbortController().signal,
  });
};
