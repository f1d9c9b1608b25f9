// What to know of a configuration though nothing is wrong with it.
import type { Config } from '../../src/config/types.ts';
import type { Target } from './targets.ts';
import type { SharedRoute } from './zone-routes.ts';

/** In no case a reason to stop a deploy. */
export const notesOn = (
  { prefix, sharedRoutes }: Pick<Target, 'prefix' | 'sharedRoutes'>,
  config: Config | undefined,
): readonly string[] => [
  ...sharedRoutes.filter(({ isInherited }) => isInherited).map(inherited),
  ...(prefix === undefined ? [IN_CODE] : []),
  ...(config === undefined ? [] : notesOnConfig(config)),
];

const inherited = ({ pattern, environment, other }: SharedRoute): string =>
  `${environment} inherits the route ${pattern}, which is ${other}’s as well: one Worker alone can have it. Give it \`routes\` of its own in \`[env.${environment}]\`, unless it is the one that is deployed.`;

const IN_CODE =
  'No var is Weir’s, so its options stand in the code, which is not read here. The Worker itself logs what is wrong with them.';

const notesOnConfig = ({ origin, corsOrigins, tokens }: Config): readonly string[] => [
  ...(origin.url === undefined ? [] : [REWRITTEN]),
  ...(corsOrigins.length === 0 && tokens.sources.some(({ kind }) => kind === 'cookie') ? [UNREADABLE] : []),
];

const REWRITTEN = `Under ORIGIN_URL the runtime rewrites what a client sends bare: \`'\` in a query becomes %27, \`{\` \`}\` \`^\` \`"\` in a path and UTF-8 in both are escaped, \`\\\` in a path becomes \`/\`. URLs that are signed over those very bytes fail; a zone route and an ORIGIN binding keep them.`;

const UNREADABLE =
  'Without CORS_ORIGINS no page in a browser can read a refusal: it sees no more than a network error.';
