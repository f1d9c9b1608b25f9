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
  if (/^\s*(unlimited|infinit[ey]|off|no|never|0|-1)\s*$/i.test(String(value)))
    return write(variable, 'none');
  const texts = [value].flat().filter((each) => typeof each === 'string' || typeof each === 'number');
  const spelt = texts.map((each) => String(each).split(/[,;|]/).map(spell).join('; ')).join('; ');
  if (spelt !== '' && parseLimits(spelt, 'default', 'sliding-window').problems.length === 0)
    return write(variable, spelt);
  const example = `\`${variable.replace(/^.*\./, '')} = "10/second; 1000/hour"\``;
  return `Write a quota and its window, such as ${example}; a unit is ${UNIT_NAMES.join(', ')}.`;
};

const spell = (part: string): string => {
  const bare = part
    .trim()
    .toLowerCase()
    .replace(/[_,'](?=\d)/g, '');
  const [, quota, count = '', unit] =
    /^(\d+)\s*(?:r|reqs?|requests?|calls?|hits?|times?)?\s*(?:\/|per|every|an?|each|in)?\s*(\d+)?\s*([a-z]+)$/.exec(
      bare,
    ) ?? [];
  if (quota === undefined || unit === undefined) return /^\d+$/.test(bare) ? `${bare}/minute` : part.trim();
  const [weeks] = /^7 days$/.exec(UNITS[unit] ?? '') ?? [];
  if (weeks !== undefined) return `${quota}/${7 * Number(count || 1)} days`;
  const name = UNITS[unit] ?? unit;
  return count === '' || count === '1' ? `${quota}/${name}` : `${quota}/${count} ${name.replace(/s?$/, 's')}`;
};

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
