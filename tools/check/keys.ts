// Traps in what limits count by, and in networks that are exempt from them.
import { allLimits } from '../../src/config/policies.ts';
import type { Config, Limit, Route } from '../../src/config/types.ts';
import { isOfCaller, writtenKey } from '../../src/partition.ts';
import { type Finding, warning } from './finding.ts';

export const keyFindings = (config: Config): readonly Finding[] => [
  ...claimFindings(config),
  ...paramFindings(config),
  ...exemptFindings(config),
  ...atOnceFindings(config),
];

/** Words that other tools have for our keys. */
const OF_CALLER: ReadonlyMap<string, string> = new Map([
  ...['ip', 'client_ip', 'remote_addr', 'addr'].map((word) => [word, 'address'] as const),
  ...['user', 'user_id', 'caller', 'consumer', 'client', 'sub'].map((word) => [word, 'subject'] as const),
  ...['all', 'global', 'everybody', 'anyone', 'service'].map((word) => [word, 'everyone'] as const),
]);

/** A caller whose token lacks the claim has a quota of its own, beside the shared one, unless a limit of each caller holds it. */
const claimFindings = (config: Config): readonly Finding[] =>
  config.tokens.keyClaims.flatMap((claim) => {
    const word = OF_CALLER.get(claim);
    if (isRequired(claim, config) || (word === undefined && isBesideCallers(claim, config))) return [];
    return [
      warning(
        'claim-may-lack',
        `Limits count by \`${claim}\`; a token without it counts as its subject.`,
        word === undefined
          ? 'Put a limit of each caller beside it, such as `100/minute`; or where every token has it, say so: REQUIRED_CLAIMS takes a claim with its values.'
          : `Did you mean \`by ${word}\`? \`by ${claim}\` is a claim of that name.`,
      ),
    ];
  });

const isRequired = (claim: string, { tokens }: Config): boolean =>
  tokens.issuers.every(({ claims }) => claims.some((each) => each.claim.join('.') === claim));

/** Whether wherever limits count by the claim, others of the same request count by its caller. */
const isBesideCallers = (claim: string, { policies, routes }: Config): boolean => {
  const lists = [policies.default, ...policies.tiers.values()];
  const ofRoutes = routes.flatMap((route) =>
    [route.limits, ...route.tierLimits.values()].map((list) => [
      ...(list === 'none' ? [] : list),
      ...(route.overrideDefaults ? [] : policies.default),
    ]),
  );
  return [...lists, ...ofRoutes]
    .filter((list) => list.some(({ key }) => key.kind === 'claim' && key.claim === claim))
    .every((list) => list.some(({ key }) => isOfCaller(key)));
};

/** On a route that is open to everybody, one caller can use up another team's quota. */
const paramFindings = ({ routes, policies }: Config): readonly Finding[] =>
  routes
    .filter(({ auth }) => auth !== 'required' && policies.ip.length === 0)
    .flatMap((route) => limitsOf(route).map((limit) => [route, limit] as const))
    .filter(([route, { key }]) => key.kind === 'param' && !limitsOf(route).some(isOfOne))
    .map(([{ name }, { key }]) =>
      warning(
        'open-param',
        `Anybody may use up what \`${name}\` counts by \`${writtenKey(key)}\`: no limit of the route holds a single caller.`,
        'Give the route a limit of each caller beside it, such as `10/minute by address`.',
      ),
    );

const limitsOf = ({ limits, tierLimits }: Route): readonly Limit[] =>
  [limits, ...tierLimits.values()].flatMap((list) => (list === 'none' ? [] : list));

const isOfOne = ({ key }: Limit): boolean => key.kind === 'subject' || key.kind === 'address';

/** A request may hang this long before somebody should have noticed, milliseconds. */
const LONG_MS = 300_000;

/** A caller that can make a request last holds a slot, which may be one that others share. */
const atOnceFindings = (config: Config): readonly Finding[] => {
  const limits = allLimits(config).filter((limit) => 'slots' in limit);
  const { timeoutMs, uploadIdleMs } = config.origin;
  const [first] = limits;
  if (first === undefined) return [];
  const endless =
    uploadIdleMs === 0
      ? 'UPLOAD_IDLE_TIMEOUT_MS is 0'
      : timeoutMs >= LONG_MS
        ? `ORIGIN_TIMEOUT_MS is ${timeoutMs}`
        : undefined;
  const shared = limits.filter(({ key }) => !isOfCaller(key) && key.kind !== 'address');
  const isHeldByOne = limits.some(({ key }) => isOfCaller(key) || key.kind === 'address');
  return [
    ...(endless === undefined
      ? []
      : [
          warning(
            'slot-without-timeout',
            `${endless}, so a request that hangs holds a slot of \`${first.name}\` as long.`,
            'Set it to what the slowest good request takes.',
          ),
        ]),
    ...(isHeldByOne ? [] : shared.slice(0, 1)).map(({ name }) =>
      warning(
        'shared-slots',
        `One caller alone can hold all slots of \`${name}\`.`,
        'Set a smaller limit of each caller beside it, such as `5 at once`.',
      ),
    ),
  ];
};

/** Nobody owns a network of an eighth of all IPv4 addresses, or more. */
const LEAST_PREFIX = 3;

const exemptFindings = ({ exemptAddresses }: Config): readonly Finding[] =>
  exemptAddresses.some(({ address, prefix }) => prefix - (address[5] === 0xffff ? 96 : 0) < LEAST_PREFIX)
    ? [
        warning(
          'exempt-everybody',
          'EXEMPT_ADDRESSES covers nearly every address, so that limits hold for hardly anybody.',
          'Name your own networks, such as `192.0.2.0/24`.',
        ),
      ]
    : [];
