// Weir's own version, from its package.json: two folders up from the built command, one from its source.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const version = (): string => {
  const path = ['..', '../..'].map((up) => join(import.meta.dirname, up, 'package.json')).find(existsSync);
  const { version } = JSON.parse(readFileSync(path ?? 'package.json', 'utf8')) as { version: string };
  return version;
};
