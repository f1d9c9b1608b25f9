// The changes that an operator may make to a caller, as dialogs.
import { parseLimits } from '../../src/config/notation.ts';
import { described } from '../../src/lib/issue.ts';
import type { CallerApi, Done, State } from '../caller.ts';
import { clock, dateTime } from '../format.ts';
import type { Action } from '../parts/action.tsx';

/** How long a change holds. */
const TIMES = [
  ['900', '15 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['604800', '7 days'],
] as const;

const PRESETS = ['10/minute', '100/minute', '1000/minute; 50000/day'];

const text = (fields: FormData, name: string): string => String(fields.get(name) ?? '').trim();

const untilOf = (fields: FormData): Date =>
  new Date(Date.now() + Number(text(fields, 'for') || 3_600) * 1_000);

const shown = (date: Date): string =>
  date.getTime() - Date.now() < 20 * 3_600_000 ? clock(date.getTime()) : dateTime(date.getTime());

const For = ({ chosen = '3600' }: { readonly chosen?: string }) => (
  <>
    <label for="for">For</label>
    <select id="for" name="for" defaultValue={chosen}>
      {TIMES.map(([seconds, name]) => (
        <option key={seconds} value={seconds} selected={seconds === chosen}>
          {name}
        </option>
      ))}
    </select>
  </>
);

type Finish = (done: Done, said: string) => void;

const addressNote = (state: State): string[] =>
  state.kind === 'address' || state.address !== undefined
    ? ['It holds for callers without a token; those with one meet it only where IP_LIMITS is set.']
    : [];

/** @param finish takes the new state, and offers the undo. */
export const actionsOf = (
  api: CallerApi,
  state: State,
  finish: Finish,
): Readonly<Record<string, Action>> => ({
  block: {
    title: 'Block',
    fields: <For />,
    consequences: (fields) => [
      `Every request gets a 429 until ${shown(untilOf(fields))}, on every route, everywhere within a second.`,
      'It ends by itself, and can be undone or lifted before.',
      ...addressNote(state),
      ...replaced(state),
    ],
    confirm: 'Block',
    isDangerous: true,
    run: async (fields, reason) =>
      finish(await api.override(state, 'blocked', untilOf(fields).toISOString(), reason), 'Blocked.'),
  },
  override: {
    title: 'Set other limits',
    fields: (
      <>
        <label for="limits">Limits</label>
        <input
          id="limits"
          name="limits"
          list="presets"
          required
          autocomplete="off"
          spellcheck={false}
          placeholder="10/second; 1000 per hour"
        />
        <datalist id="presets">
          {[...PRESETS, 'none'].map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <For />
      </>
    ),
    objection: (fields) => limitsObjection(text(fields, 'limits')),
    consequences: (fields) => [
      text(fields, 'limits') === 'none'
        ? `No limit of its own and of routes until ${shown(untilOf(fields))}; GLOBAL_LIMITS hold.`
        : `${policiesOf(text(fields, 'limits'))} in place of its own limits until ${shown(untilOf(fields))}, everywhere within a second.`,
      'What was spent in the same windows stays spent. Limits of routes and GLOBAL_LIMITS hold beside it.',
      ...addressNote(state),
      ...replaced(state),
    ],
    confirm: 'Set limits',
    isDangerous: false,
    run: async (fields, reason) =>
      finish(
        await api.override(state, text(fields, 'limits'), untilOf(fields).toISOString(), reason),
        'Other limits hold.',
      ),
  },
  reset: {
    title: 'Forget what was spent',
    consequences: () => [
      'Every policy starts anew with its whole quota, within a second.',
      'Permits that isolates hold can be used for a second more, on top.',
      'This cannot be undone: what was spent is forgotten.',
    ],
    confirm: 'Reset',
    isDangerous: false,
    run: async (_fields, reason) => finish(await api.reset(reason), 'What was spent is forgotten.'),
  },
  revoke: {
    title: 'Revoke tokens',
    fields: (
      <>
        <label for="jti">Token id (jti); empty for every token issued until now</label>
        <input id="jti" name="jti" maxLength={255} autocomplete="off" spellcheck={false} />
      </>
    ),
    consequences: (fields) => [
      text(fields, 'jti') === ''
        ? 'Every token issued until now gets the same 401 as any bad token, everywhere within a second.'
        : 'That token gets the same 401 as any bad token, everywhere within a second.',
      'New tokens pass: if its account was taken over, stop the issuer too.',
      'It holds until it is lifted or undone.',
    ],
    confirm: 'Revoke',
    isDangerous: true,
    run: async (fields, reason) => {
      const jti = text(fields, 'jti');
      finish(await api.revoke(state, jti === '' ? { before: 'now' } : { jti }, reason), 'Revoked.');
    },
  },
  liftOverride: {
    title: state.override?.limits === 'blocked' ? 'Lift the block' : 'Lift the other limits',
    consequences: () => [
      'Its own limits hold again, everywhere within a second; an isolate that denies it goes on for up to 10 s.',
    ],
    confirm: 'Lift',
    isDangerous: false,
    run: async (_fields, reason) => finish(await api.liftOverride(state, reason), 'Lifted.'),
  },
  liftRevocations: {
    title: 'Lift every revocation',
    consequences: () => ['Its tokens pass again; isolates that refused one may do so for a minute more.'],
    confirm: 'Lift',
    isDangerous: false,
    run: async (_fields, reason) => finish(await api.liftRevocations(state, reason), 'Lifted.'),
  },
});

const replaced = ({ override }: State): string[] =>
  override === null ? [] : [`It replaces \`${override.limits}\`, set for: ${override.reason}`];

/** Validated by the code that the Worker runs. */
const limitsObjection = (limits: string): string | undefined => {
  if (limits === '') return 'Type limits such as 10/second; 1000 per hour, or none.';
  if (limits === 'none') return undefined;
  const { problems } = parseLimits(limits, 'default', 'sliding-window');
  return problems.length === 0
    ? undefined
    : problems.map((issue) => `Expected ${described(issue)}`).join('; ');
};

const policiesOf = (limits: string): string =>
  parseLimits(limits, 'default', 'sliding-window')
    .policies.map(({ name }) => name)
    .join(' and ');
