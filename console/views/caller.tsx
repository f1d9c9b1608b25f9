// One caller: what is left of each policy, its last minutes, what was set, and what can be done.
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { CallerMinute } from '../../src/pulse/recent.ts';
import { CallerApi, type Done, type Policy, type State, targetOf } from '../caller.ts';
import { Chart, type Line } from '../chart.tsx';
import { count, dateTime, duration, exactly, short } from '../format.ts';
import type { Page } from '../page.ts';
import { ActionDialog } from '../parts/action.tsx';
import { Card, Key, Meter } from '../parts/parts.tsx';
import { hashOf } from '../path.ts';
import { actionsOf } from './actions.tsx';

const EVERY_MS = 2_000;

export const CallerPage = ({ api, path, say, scheme }: Page) => {
  const target = path.join('/');
  const caller = useMemo(() => new CallerApi(api, targetOf(path)), [api, target]);
  const [state, setState] = useState<State | undefined>(undefined);
  const [said, setSaid] = useState('');
  const [history, setHistory] = useState<readonly CallerMinute[]>([]);
  const [open, setOpen] = useState<string | undefined>(undefined);

  const load = useCallback(async () => {
    try {
      const next = await caller.look();
      setState(next);
      setSaid('');
      if (next.partition !== null) setHistory((await caller.history(next.partition)).history);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  }, [caller]);

  useEffect(() => {
    setState(undefined);
    load();
    const timer = setInterval(load, EVERY_MS);
    return () => clearInterval(timer);
  }, [load]);

  const finish = (done: Done, text: string) => {
    setState(done.state);
    const { undo } = done;
    say(
      text,
      undo &&
        (() =>
          undo().then(
            (back) => {
              setState(back);
              say('Undone.');
            },
            (error) => say(`Not undone: ${error.message}`, undefined, true),
          )),
    );
  };

  if (state === undefined) return <p class="empty">{said || 'Asking its Limiter…'}</p>;
  const actions = actionsOf(caller, state, finish);
  const whom = state.subject ?? state.address ?? state.partition ?? '';
  const action = open === undefined ? undefined : actions[open];
  const marked = state.revoked.before !== null || state.revoked.jtis.length > 0;
  return (
    <div class="page">
      <header class="head caller">
        <a class="back" href={hashOf('who')} aria-label="Back to all callers">
          ←
        </a>
        <h1>
          <span class="whom">{state.subject ?? state.address ?? <code>{short(whom)}</code>}</span>
          <small>{state.issuer ?? state.kind ?? ''}</small>
        </h1>
        <Badges state={state} />
        <div class="actions">
          {state.override === null ? (
            <button class="danger" type="button" onClick={() => setOpen('block')}>
              Block
            </button>
          ) : (
            <button class="primary" type="button" onClick={() => setOpen('liftOverride')}>
              {state.override.limits === 'blocked' ? 'Lift the block' : 'Lift the limits'}
            </button>
          )}
          <button type="button" onClick={() => setOpen('override')}>
            Other limits
          </button>
          <button type="button" onClick={() => setOpen('reset')}>
            Reset
          </button>
          {state.address === undefined && state.kind !== 'address' && (
            <button type="button" onClick={() => setOpen('revoke')}>
              Revoke
            </button>
          )}
          {marked && (
            <button type="button" onClick={() => setOpen('liftRevocations')}>
              Lift revocations
            </button>
          )}
        </div>
      </header>
      {said !== '' && <p class="said">{said}</p>}
      <Card title="What is left">
        <Policies policies={state.policies} />
      </Card>
      <Card title="Last 15 minutes" aside={<Key names={LINES} />}>
        <History history={history} scheme={scheme} />
      </Card>
      <Card title="What was set">
        <Facts state={state} />
      </Card>
      {action && <ActionDialog action={action} whom={whom} onClose={() => setOpen(undefined)} />}
    </div>
  );
};

const Badges = ({ state: { override, revoked } }: { readonly state: State }) => (
  <p class="badges" role="status">
    {override?.limits === 'blocked' && <span class="badge bad">blocked</span>}
    {override !== null && override.limits !== 'blocked' && <span class="badge warn">other limits</span>}
    {revoked.before !== null && <span class="badge bad">tokens revoked</span>}
    {revoked.jtis.length > 0 && <span class="badge bad">{revoked.jtis.length} token ids revoked</span>}
  </p>
);

const Policies = ({ policies }: { readonly policies: readonly Policy[] }) => {
  if (policies.length === 0) return <p class="empty">Nothing spent: every policy has its whole quota.</p>;
  return (
    <ul class="policies">
      {policies.map(({ name, quota, remaining, resetSeconds, algorithm }) => {
        const share = quota === 0 ? 0 : remaining / quota;
        return (
          <li key={name}>
            <span>
              <code>{name}</code> <small>{algorithm}</small>
            </span>
            <b>
              {exactly(remaining)} <small>of {exactly(quota)} left</small>
            </b>
            <Meter share={share} colour={share <= 0 ? '--failed' : share <= 0.2 ? '--limited' : '--passed'} />
            <small>{remaining === quota ? 'untouched' : `resets in ${duration(resetSeconds)}`}</small>
          </li>
        );
      })}
    </ul>
  );
};

const LINES = [
  { name: 'requests', label: 'Requests', colour: '--passed' },
  { name: 'denied', label: 'Denied', colour: '--limited' },
  { name: 'unauthorized', label: 'Unauthorized', colour: '--refused' },
] as const;

const History = ({
  history,
  scheme,
}: {
  readonly history: readonly CallerMinute[];
  readonly scheme: string;
}) => {
  // The minute that is running would look like a drop.
  const minutes = history.slice(0, -1);
  if (minutes.length === 0) return <p class="empty">Not among those who are counted one by one.</p>;
  const lines: Line[] = LINES.map(({ name, label, colour }) => ({
    label,
    colour,
    values: minutes.map(({ counts }) => counts[name]),
  }));
  return (
    <Chart
      title="Requests a minute"
      times={minutes.map(({ minute }) => minute * 60_000)}
      lines={lines}
      height={170}
      format={count}
      scheme={scheme}
    />
  );
};

const time = (at: string | null): string => (at === null ? 'never' : dateTime(at));

const Facts = ({ state }: { readonly state: State }) => (
  <dl class="facts">
    {state.override !== null && (
      <>
        <dt>Override</dt>
        <dd>
          <code>{state.override.limits}</code> until {time(state.override.until)}
          <small>{state.override.reason}</small>
        </dd>
      </>
    )}
    {state.revoked.before !== null && (
      <>
        <dt>Revoked</dt>
        <dd>every token issued before {time(state.revoked.before)}</dd>
      </>
    )}
    {state.revoked.jtis.map(({ jti, until }) => (
      <>
        <dt key={jti}>Revoked token</dt>
        <dd>
          <code>{jti}</code>
          <small>{until === null ? 'for good' : `until ${time(until)}`}</small>
        </dd>
      </>
    ))}
    <dt>First seen</dt>
    <dd>{time(state.firstSeen)}</dd>
    <dt>Last seen</dt>
    <dd>{time(state.lastSeen)}</dd>
    <dt>In the log</dt>
    <dd>
      <code>{state.partition ?? 'unnamed: PARTITION_SECRET is not set'}</code>
    </dd>
  </dl>
);
