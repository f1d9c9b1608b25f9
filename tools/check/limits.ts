// What to write instead of limits, or of a cost, that the Worker's parser refuses.
import { parseLimits, UNIT_NAMES } from '../../src/config/notation.ts';
import { type Table, tableOf } from './config-file.ts';
import { parsed, type Refused, valueAt, write } from './refused.ts';

/** Our units, by what other tools call them. */
const UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  sec: 'second',
  secs: 'second',
  m: 'minute',
  min: 'minute',
  mins: 'minute',
  h: 'hour',
  hr: 'hour',
  hrs: 'hour',
  d: 'day',
  w: '7 days',
  week: '7 days',
  weeks: '7 days',
  mo: 'month',
  y: 'year',
  yr: 'year',
};

/** Limits as nginx, Kong, Go and people in a hurry write them. */
export const limitsFix = ({ variable, problem }: Refused, value: unknown): string | undefined => {
  if (!/(LIMITS|^TIERS(_\d)?\.\S+|\.limits(\.\S+)?)$/.test(variable)) return undefined;
  if (/a key after `by`/.test(problem))
    return 'Write `by subject`, `by address`, `by everyone`, a claim or a `:name` that is in the `match`, as in `10/minute by :team`.';
  if (/no other key than/.test(problem))
    return write(variable, String(value).replace(/\s+by\s+[^,;|]+?(?=\s*(?:[,;|]|$))/gi, ''));
  const told = FAULTS.find(([found]) => found.test(problem));
  if (told !== undefined) return told[1];
  if (/^\s*(unlimited|infinit[ey]|off|no|never|false|0|-1)\s*$/i.test(String(value)))
    return write(variable, 'none');
  const spelt = partsOf(value).map(spell).join('; ');
  if (spelt !== '' && parseLimits(spelt, 'default', 'sliding-window').problems.length === 0)
    return write(variable, spelt);
  const example = `\`${variable.replace(/^.*\./, '')} = "10/second; 1000/hour"\``;
  return `Write a quota and its window, such as ${example}; a unit is ${UNIT_NAMES.join(', ')}.`;
};

/** What is refused for itself, however it is spelt. */
const FAULTS: readonly (readonly [problem: RegExp, fix: string])[] = [
  [/a list `default`/, 'Add what holds for callers of any other tier: `default = "5/minute"`.'],
  [
    /at most \d+ policies/,
    'Leave some out: of windows that are alike, the smaller quota is the one that holds.',
  ],
  [/each window once/, 'Keep the smaller of the two, which is the one that holds.'],
  [/`at once` once/, 'Keep the smaller of the two, which is the one that holds.'],
  [/got `none`$/, 'Write `none` alone, or the limits without it.'],
  [/ at once, got/, 'Write from 1 to 10,000 at once, such as `5 at once; 100/minute`.'],
  [
    /got `[^`]*burst/i,
    'Leave the burst out: `ALGORITHM = "gcra"` passes the quota at once and then one permit at a time.',
  ],
];

/** The limits of a text, a number, a list, or a table as limiters of Node have it. */
const partsOf = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (typeof value !== 'string' && typeof value !== 'number') return optionsOf(tableOf(value));
  const options = /^\s*\{/.test(String(value)) ? optionsOf(tableOf(parsed(value))) : [];
  return options.length > 0
    ? options
    : String(value)
        .replace(/(\d),(?=\d{3}(?!\d))/g, '$1')
        .split(/[,;|&\n]|\+(?=\s*\d)|\band\b|(?<=[a-z])\s+(?=\d+\s*(?:\/|per))/)
        .map((part) => part.trim())
        .filter((part) => part !== '');
};

/** `{ windowMs: 900000, max: 100 }`, `{ limit: 10, window: 60 }` */
const optionsOf = (options: Table): readonly string[] => {
  const { limit, max, points, requests, quota, windowMs, window, duration, period, interval } = options;
  const count = limit ?? max ?? points ?? requests ?? quota;
  const seconds =
    windowMs === undefined ? (window ?? duration ?? period ?? interval) : Number(windowMs) / 1e3;
  return Number.isInteger(Number(count)) && Number.isInteger(Number(seconds)) && seconds !== undefined
    ? [`${Number(count)}/${inUnits(Number(seconds))}`]
    : [];
};

const SECONDS = { day: 86_400, hour: 3_600, minute: 60 } as const;

/** 900 -> `15 minutes` */
const inUnits = (seconds: number): string => {
  const [unit, each] = Object.entries(SECONDS).find(([, length]) => seconds % length === 0) ?? ['second', 1];
  const count = seconds / each;
  return count === 1 ? unit : `${count} ${unit}s`;
};

/** What a limit counts by, in other words. */
const WHOM: Readonly<Record<string, string>> = {
  user: '',
  caller: '',
  client: '',
  consumer: '',
  subject: '',
  token: '',
  key: '',
  ip: ' by address',
  address: ' by address',
  route: ' by route',
  endpoint: ' by route',
};

/** How many at once, as other tools say it. */
const AT_ONCE =
  /^(?:max\s*)?(\d+)\s*(?:requests?\s*)?(?:at[ _-]?once|at a time|concurrent(?:ly)?|in[ _-]?(?:flight|parallel)|parallel|simultaneous(?:ly)?)(?:\s*requests?)?$|^(?:at once|concurrency|concurrent|parallel)\s*[:=]?\s*(\d+)$/;

const spell = (text: string): string => {
  const part = text
    .trim()
    .toLowerCase()
    .replace(/[_'](?=\d)/g, '');
  const [, first, second] = AT_ONCE.exec(part) ?? [];
  if (first !== undefined || second !== undefined) return `${first ?? second} at once`;
  const [, rest = part, whom = ''] = /^(.*\S)\s*(?:\/|per|for|by)\s*(?:each\s*)?([a-z]+)$/.exec(part) ?? [];
  const by = WHOM[whom];
  return by === undefined ? rated(part, text.trim()) : `${rated(rest, rest)}${by}`;
};

/** @returns `otherwise` where it is no rate of any notation. */
const rated = (part: string, otherwise: string): string => {
  const plain = part
    .replace(/^rate\s*[=:]\s*/, '')
    .replace(
      /^(\d+)([km])(?=\s*(?:\/|per))/,
      (_all, count, power) => `${count}${power === 'k' ? '000' : '000000'}`,
    )
    .replace(/^(\d+)e(\d)(?=\s*(?:\/|per))/, (_all, count, power) => `${count}${'0'.repeat(Number(power))}`)
    .replace(/^(\d+)\s*([rqt])p([smhd])$/, '$1/$3')
    .replace(/^(\d+)-([smhd])$/, '$1/$2')
    .replace(/^(\d+)\s*(?:\/|:|per)\s*(\d+)$/, '$1/$2s')
    .replace(/\/\s*pt?(\d+)([smhd])$/, '/$1$2');
  const [, quota = '', count = '', unit] =
    /^(\d+(?:\.\d+)?)\s*(?:r|x|reqs?|requests?|calls?|hits?|times?)?\s*(?:\/|per|every|an?|each|in)?\s*(\d+)?\s*([a-z]+)$/.exec(
      plain,
    ) ?? [];
  if (unit === undefined) return /^\d+$/.test(plain) ? `${plain}/minute` : otherwise;
  const [whole, scale] = wholeOf(quota);
  const length = scale * Number(count || 1);
  if (UNITS[unit] === '7 days') return `${whole}/${7 * length} days`;
  const name = UNITS[unit] ?? unit;
  return length === 1 ? `${whole}/${name}` : `${whole}/${length} ${name.replace(/s?$/, 's')}`;
};

/** `1.5` a second is 3 in 2. */
const wholeOf = (quota: string): readonly [whole: number, windows: number] => {
  const scale = 10 ** (quota.split('.')[1]?.length ?? 0);
  const scaled = Math.round(Number(quota) * scale);
  const common = divisor(scaled, scale);
  return [scaled / common, scale / common];
};

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** A route that costs more than some caller may ever spend. */
export const costFix = ({ variable, problem, vars }: Refused): string | undefined => {
  const [, policy, quota] = /at most the quota of `((?:[\w-]+:)?(\d+)\/[^`]*)`/.exec(problem) ?? [];
  if (policy === undefined) return undefined;
  const tiers = tiersWith(policy, vars, variable.replace(/\.cost$/, '.limits'));
  const whose = tiers.length === 0 ? '' : `, of tier ${tiers.map((tier) => `\`${tier}\``).join(', ')}`;
  return `Write \`cost = ${quota}\` at most, or a higher quota than \`${policy}\`${whose}.`;
};

/** The tiers that have a policy of this name, in `TIERS` or in the route's own limits. */
const tiersWith = (policy: string, vars: Table, limitsOfRoute: string): readonly string[] => {
  const isOfRoute = policy.includes(':');
  const lists = isOfRoute ? valueAt(vars, limitsOfRoute) : parsed(vars.TIERS);
  return Object.entries(tableOf(lists)).flatMap(([tier, text]) => {
    const { policies } = parseLimits(String(text), 'default', 'sliding-window');
    return policies.some(({ name }) => name === policy.replace(/^[\w-]+:/, '')) ? [tier] : [];
  });
};
