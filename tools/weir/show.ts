// What the admin API answers, as text for people.
import { paint, table } from '../cli.ts';
import type { State } from './client.ts';

export const stateText = (state: State): string =>
  [
    `${paint('bold', state.subject ?? state.address ?? keyText(state))}${state.issuer ? ` of ${state.issuer}` : ''}`,
    policiesText(state),
    table(['', ''], factsOf(state)).split('\n').slice(1).join('\n'),
    '',
  ].join('\n');

/** `org.id=acme`. */
const keyText = ({ key = '', value }: State): string => (value === undefined ? key : `${key}=${value}`);

const policiesText = ({ policies }: State): string =>
  policies.length === 0
    ? 'nothing spent'
    : table(
        ['policy', 'algorithm', 'left', 'of', 'resets in'],
        policies.map(({ name, algorithm, remaining, quota, resetSeconds }) => [
          ...[name, algorithm, leftText(remaining, quota), String(quota), `${resetSeconds} s`],
        ]),
      );

const leftText = (remaining: number, quota: number): string => {
  const share = remaining / quota;
  return paint(share === 0 ? 'red' : share <= 0.2 ? 'yellow' : 'green', String(remaining));
};

const factsOf = ({ override, revoked, partition, firstSeen, lastSeen }: State): string[][] => [
  ...(override
    ? [['override', `${paint('yellow', override.limits)} until ${override.until}: ${override.reason}`]]
    : []),
  ...(revoked.before ? [['revoked', `${paint('red', 'all issued before')} ${revoked.before}`]] : []),
  ...revoked.jtis.map(({ jti, until }) => [
    'revoked',
    `${paint('red', jti)}${until ? ` until ${until}` : ''}`,
  ]),
  ...(firstSeen ? [['seen', `${firstSeen} to ${lastSeen}`]] : []),
  ...(partition ? [['in logs', partition]] : []),
];

/** What the directory knows about a partition. */
export const knownText = (known: Record<string, string>): string =>
  `${table(['', ''], Object.entries(known)).split('\n').slice(1).join('\n')}\n`;

/** A partition for which something is in force. */
export type Listed = Pick<State, 'issuer' | 'subject' | 'address' | 'partition' | 'override' | 'revoked'>;

export const listText = (listed: readonly Listed[]): string => {
  if (listed.length === 0) return 'no override and no revocation is in force\n';
  const rows = listed.flatMap((each) =>
    inForceOf(each).map((what) => [each.subject ?? each.address ?? '', each.issuer ?? '', ...what]),
  );
  return `${table(['OF', 'ISSUER', 'WHAT', 'UNTIL', 'WHY'], rows)}\n`;
};

const inForceOf = ({ override, revoked }: Listed): readonly string[][] => [
  ...(override ? [[`limits ${override.limits}`, override.until, override.reason]] : []),
  ...(revoked.before ? [[`revoked: issued before ${revoked.before}`, revoked.until ?? 'for good', '']] : []),
  ...revoked.jtis.map(({ jti, until }) => [`revoked: ${jti}`, until ?? 'for good', '']),
];

/** A configuration, flat: `tokens.cacheSeconds  300`. */
export const configText = (config: Record<string, unknown>): string =>
  `${table(['setting', 'value'], flat(config, ''))}\n`;

/** Settings that hold the path of a claim: they are shown as they are written, `https://example.com/tier` too. */
const CLAIM = /claim$|claims\.\d+$/i;

const flat = (value: unknown, name: string): string[][] => {
  if (value === null || (Array.isArray(value) && value.length === 0)) return [];
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return [[name, value.join(CLAIM.test(name) ? '.' : ', ')]];
  if (typeof value !== 'object') return [[name, String(value).replaceAll('\n', ' ').slice(0, 80)]];
  return Object.entries(value).flatMap(([key, item]) => flat(item, name === '' ? key : `${name}.${key}`));
};
