// Reads `TOKEN_SOURCES`: where a request may hold its token.
import { HEADER_NAME } from './settings.ts';
import type { TokenSource } from './types.ts';
import type { Vars } from './vars.ts';

const EXPECTED = '`header:<name>`, `cookie:<name>` or `query:<name>`';

/** Set by the client's HTTP library, or by Cloudflare, for a purpose of their own. */
const NO_SOURCE = /^(cookie|host|content-.*|transfer-encoding|connection|upgrade|cf-connecting-ip)$/;

/** `header:Authorization, cookie:session`, each once. */
export const readSources = (vars: Vars): readonly TokenSource[] => {
  const seen = new Set<string>();
  return (vars.list('TOKEN_SOURCES') ?? []).flatMap((item) => {
    const source = sourceOf(item);
    if (source === undefined) return vars.fail('TOKEN_SOURCES', EXPECTED, item) ?? [];
    const key = `${source.kind}:${source.name}`;
    if (seen.has(key)) vars.fail('TOKEN_SOURCES', 'each source once', item);
    seen.add(key);
    return source;
  });
};

const sourceOf = (item: string): TokenSource | undefined => {
  const [, kind, name = ''] = /^(header|cookie|query)\s*:\s*(.+)$/.exec(item) ?? [];
  if (kind === 'query') return /^[\w.~-]+$/.test(name) ? { kind, name } : undefined;
  if (!HEADER_NAME.test(name)) return undefined;
  if (kind === 'cookie') return { kind, name };
  const lower = name.toLowerCase();
  return NO_SOURCE.test(lower) ? undefined : { kind: 'header', name: lower };
};
