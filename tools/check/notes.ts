// What to know of a configuration though nothing is wrong with it.
import type { Config } from '../../src/config/types.ts';

/** In no case a reason to stop a deploy. */
export const notesOn = ({ origin, corsOrigins, tokens }: Config): readonly string[] => [
  ...(origin.url === undefined ? [] : [REWRITTEN]),
  ...(corsOrigins.length === 0 && tokens.sources.some(({ kind }) => kind === 'cookie') ? [UNREADABLE] : []),
];

const REWRITTEN = `Under ORIGIN_URL the runtime rewrites what a client sends bare: \`'\` in a query becomes %27, \`{\` \`}\` \`^\` \`"\` in a path and UTF-8 in both are escaped, \`\\\` in a path becomes \`/\`. URLs that are signed over those very bytes fail; a zone route and an ORIGIN binding keep them.`;

const UNREADABLE =
  'Without CORS_ORIGINS no page in a browser can read a refusal: it sees no more than a network error.';
