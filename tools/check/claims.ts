// Claims that cannot mean what they were named for: every token another value, all tokens one, or none at all.
import type { ClaimPath, Config } from '../../src/config/types.ts';
import { error, type Finding, warning } from './finding.ts';

export const claimFindings = (config: Config): readonly Finding[] => [
  ...subjectFindings(config),
  ...pathFindings(config),
  ...patternFindings(config),
  ...headerFindings(config),
  ...typFindings(config),
  ...sourceFindings(config),
];

/** Another in each token: whoever asks for a new token has a new quota. */
const OF_A_TOKEN = ['jti', 'iat', 'exp', 'nbf', 'nonce', 'at_hash', 'auth_time', 'sid', 'session_id', 'uti'];

/** The same in all of an API's tokens. */
const OF_ALL = ['iss', 'aud', 'typ', 'token_use', 'ver', 'scope', 'scp'];

/** Of SUBJECT_CLAIM, and of limits `by` a claim. */
const subjectFindings = ({ tokens }: Config): readonly Finding[] => {
  const named = tokens.subjectClaims.map((path) => ({ variable: 'SUBJECT_CLAIM', claim: path.join('.') }));
  const counted = tokens.keyClaims.map((claim) => ({ variable: 'A limit', claim }));
  return [...named, ...counted].flatMap(({ variable, claim }) => {
    const what = OF_A_TOKEN.includes(claim)
      ? 'is another in each token or login, so that a new one has a fresh quota'
      : OF_ALL.includes(claim)
        ? 'is the same in the tokens of all callers, who would share one quota'
        : undefined;
    return what === undefined
      ? []
      : [
          error(
            'subject-claim',
            `${variable} counts by \`${claim}\`, which ${what}.`,
            variable === 'SUBJECT_CLAIM'
              ? 'Write a claim that names the caller, such as `SUBJECT_CLAIM = "sub"`.'
              : 'Write a claim that names the caller or its organisation, such as `100/minute by org.id`.',
          ),
        ];
  });
};

/** `$.sub`, `/sub`: paths of other notations. */
const pathFindings = ({ tokens }: Config): readonly Finding[] => {
  const vars: Readonly<Record<string, readonly ClaimPath[]>> = {
    SUBJECT_CLAIM: tokens.subjectClaims,
    SCOPE_CLAIM: tokens.scopeClaims,
    TIER_CLAIM: tokens.tierClaim === undefined ? [] : [tokens.tierClaim],
  };
  return Object.entries(vars).flatMap(([variable, paths]) =>
    paths
      .map((path) => path.join('.'))
      .filter((claim) => /^[$/]|\[|[\s|,]/.test(claim))
      .map((claim) =>
        warning(
          'no-effect',
          `${variable} names a claim \`${claim}\`, which no token has.`,
          /[\s|,]/.test(claim)
            ? severalOf(variable, claim)
            : `Write the claim alone, with dots between its parts: \`${variable} = "${plain(claim)}"\`.`,
        ),
      ),
  );
};

/** `sub || client_id` */
const severalOf = (variable: string, claim: string): string => {
  const names = claim.split(/[\s|,]+/).filter((name) => name !== '');
  return variable === 'TIER_CLAIM'
    ? `Write one claim: \`TIER_CLAIM = "${names[0]}"\`.`
    : `Write a comma between claims, of which the first that is there counts: \`${variable} = "${names.join(', ')}"\`.`;
};

/** A value of REQUIRED_CLAIMS is that value, and no pattern of one. */
const patternFindings = ({ tokens }: Config): readonly Finding[] =>
  tokens.issuers.flatMap(({ claims }) =>
    claims
      .filter(({ values }) => values.some((value) => /^(\*|\/.*\/\w*|\^.*|.*\.\*.*)$/.test(value)))
      .map(({ claim, values }) =>
        error(
          'no-effect',
          `REQUIRED_CLAIMS wants \`${claim.join('.')}\` to be \`${values.join(', ')}\` to the letter: there are no patterns.`,
          `Write each value, such as \`{ ${claim.join('.')} = ["web", "ios"] }\`, or leave the claim out.`,
        ),
      ),
  );

const plain = (claim: string): string =>
  claim
    .replace(/^\$\.?|^\//, '')
    .replace(/\[['"]?([^\]'"]*)['"]?\]/g, '.$1')
    .replaceAll('/', '.')
    .replace(/^\./, '') || 'sub';

/** `X-User=sub` */
const headerFindings = ({ claimHeaders }: Config): readonly Finding[] =>
  claimHeaders
    .filter(({ claim: [first = ''], header }) => /^x-/i.test(first) && !header.includes('-'))
    .map(({ claim, header }) =>
      warning(
        'no-effect',
        `CLAIM_HEADERS takes a claim \`${claim.join('.')}\`, which no token has, into the header \`${header}\`.`,
        `Write the claim first: \`CLAIM_HEADERS = "${header}=${claim.join('.')}"\`.`,
      ),
    );

/** `Bearer` is a scheme, and Keycloak's value of a claim of the same name. */
const typFindings = ({ tokens }: Config): readonly Finding[] =>
  tokens.issuers
    .filter(({ typ = '' }) => /^(bearer|access|id|refresh)$/i.test(typ))
    .map(({ typ }) =>
      error(
        'no-effect',
        `JWT_TYP is \`${typ}\`, which stands in no token's header, so every token would be refused.`,
        `Write \`JWT_TYP = "at+jwt"\`, as the token's header has it; of a claim \`typ\`, \`REQUIRED_CLAIMS = { typ = "${typ}" }\`.`,
      ),
    );

const sourceFindings = ({ tokens }: Config): readonly Finding[] =>
  tokens.sources
    .filter(({ kind, name }) => kind === 'header' && name.toLowerCase() === 'bearer')
    .map(() =>
      warning(
        'no-effect',
        'TOKEN_SOURCES names a header `Bearer`, which is the scheme of the header `Authorization`.',
        'Write `TOKEN_SOURCES = "header:Authorization"`, which takes `Bearer <token>`.',
      ),
    );
