// Who comes, who is denied, who soon will be, and who behaves unlike before.
import { useState } from 'preact/hooks';
import type { RankingName } from '../../src/pulse/families.ts';
import { short } from '../format.ts';
import type { Page } from '../page.ts';
import { BarList, Card, WindowPicker } from '../parts/parts.tsx';
import { hashOf } from '../path.ts';

const LISTS: readonly (readonly [ranking: RankingName, title: string, colour: string, empty: string])[] = [
  ['requests', 'Top callers', '--passed', 'Nobody came.'],
  ['denied', 'Denied most', '--limited', 'Nobody was denied.'],
  ['near', 'Near their limit', '--near', 'Nobody is over 80 % of a quota.'],
  ['unusual', 'Unusual', '--refused', 'Nobody behaves unlike before. ABNORMAL_FACTOR turns this on.'],
];

const SHOWN = 12;

export const WhoPage = ({ live: { view }, minutes, setMinutes }: Page) => (
  <div class="page quarters">
    <header class="head">
      <h1>Who</h1>
      <WindowPicker minutes={minutes} setMinutes={setMinutes} />
      <Find />
    </header>
    {view !== undefined && !view.named && (
      <p class="hint" role="note">
        Callers have no names here, as in the log: set <code>PARTITION_SECRET</code>.
      </p>
    )}
    {LISTS.map(([ranking, title, colour, empty]) => (
      <Card key={ranking} title={title}>
        <BarList rows={rowsOf(view, ranking, colour)} empty={empty} />
      </Card>
    ))}
  </div>
);

export const rowsOf = (view: Page['live']['view'], ranking: RankingName, colour: string) => {
  const kinds = new Map(view?.callers.map(({ name, kind }) => [name, kind]));
  return (view?.rankings[ranking] ?? []).slice(0, SHOWN).map(([name, value, error]) => ({
    key: name,
    label: (
      <a href={hashOf('who', 'partition', name)}>
        <code>{short(name)}</code> <small>{kinds.get(name) ?? ''}</small>
      </a>
    ),
    value,
    colour,
    title: error > 0 ? `${name}, at most ${error} too many` : name,
  }));
};

/** By subject, address, or the name in the log. What is typed stays in the fragment of the address. */
const Find = () => {
  const [kind, setKind] = useState('subject');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [name, issuer] = ['name', 'issuer'].map((field) => String(form.get(field) ?? '').trim());
    if (!name) return;
    location.hash = hashOf('who', kind, name, ...(issuer ? [issuer] : []));
  };
  return (
    <search>
      <form class="find" onSubmit={submit}>
        <label class="unseen" for="kind">
          What is known of the caller
        </label>
        <select id="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          <option value="subject">subject</option>
          <option value="address">address</option>
          <option value="partition">name in the log</option>
        </select>
        <label class="unseen" for="name">
          Caller
        </label>
        <input
          id="name"
          name="name"
          placeholder={kind === 'address' ? '192.0.2.1' : kind === 'subject' ? 'alice' : '32 hex digits'}
          required
        />
        {kind === 'subject' && (
          <>
            <label class="unseen" for="issuer">
              Issuer
            </label>
            <input id="issuer" name="issuer" placeholder="issuer, if several" />
          </>
        )}
        <button type="submit">Look up</button>
      </form>
    </search>
  );
};
