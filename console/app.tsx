// Signed out: one form. Signed in: the bar, the pages, and what was just done.
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { Range } from '../src/pulse/state.ts';
import { Api, keepToken, keptToken } from './api.ts';
import { type Live, useLive } from './live.ts';
import type { Page } from './page.ts';
import { Notices, useNotices } from './parts/notices.tsx';
import { usePath } from './path.ts';
import { type SchemeChoice, useScheme } from './scheme.ts';
import { AttackPage } from './views/attack.tsx';
import { CallerPage } from './views/caller.tsx';
import { NowPage } from './views/now.tsx';
import { RoutesPage } from './views/routes.tsx';
import { SignIn } from './views/sign-in.tsx';
import { TrailPage } from './views/trail.tsx';
import { WhoPage } from './views/who.tsx';

const PAGES = [
  { name: 'now', title: 'Now', page: NowPage },
  { name: 'who', title: 'Who', page: WhoPage },
  { name: 'attack', title: 'Attack', page: AttackPage },
  { name: 'routes', title: 'Routes', page: RoutesPage },
  { name: 'trail', title: 'Trail', page: TrailPage },
] as const;

export const App = () => {
  const [token, setToken] = useState(keptToken);
  const [why, setWhy] = useState('');
  const scheme = useScheme();
  const end = useCallback((reason: string) => {
    keepToken(undefined);
    setToken(undefined);
    setWhy(reason);
  }, []);
  if (token === undefined)
    return (
      <SignIn
        why={why}
        onToken={(given) => {
          keepToken(given);
          setWhy('');
          setToken(given);
        }}
      />
    );
  return <Signed token={token} onEnd={end} scheme={scheme} />;
};

interface SignedProps {
  readonly token: string;
  readonly onEnd: (reason: string) => void;
  readonly scheme: SchemeChoice;
}

const Signed = ({ token, onEnd, scheme: [scheme, toggleScheme] }: SignedProps) => {
  const api = useMemo(
    () => new Api(token, () => onEnd('The session has ended: sign in again.')),
    [token, onEnd],
  );
  const [range, setRange] = useState<Range>('15m');
  const [minutes, setMinutes] = useState(5);
  const { notices, say, dismiss } = useNotices();
  const live = useLive(api, range, minutes);
  const path = usePath();
  const current = PAGES.find(({ name }) => name === path[0]) ?? PAGES[0];
  useEffect(() => {
    document.title = `${current.title} · Weir console`;
  }, [current]);
  const props: Page = { api, live, range, minutes, setMinutes, scheme, path, say };
  const isCaller = current.name === 'who' && path.length > 1;
  return (
    <>
      <button class="skip" type="button" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <a class="brand" href="#/now" aria-label="Weir, to the first page">
          <img src="/icon.svg" alt="" width="26" height="26" />
          <b>Weir</b>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ name, title }) => (
            <a key={name} href={`#/${name}`} aria-current={name === current.name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Pulse live={live} />
        <fieldset class="segments">
          <legend class="unseen">Range of the charts</legend>
          {(['15m', '1h', '24h'] as const).map((each) => (
            <button key={each} type="button" aria-pressed={each === range} onClick={() => setRange(each)}>
              {each}
            </button>
          ))}
        </fieldset>
        <button
          class="plain"
          type="button"
          onClick={toggleScheme}
          aria-label={`Use the ${scheme === 'dark' ? 'light' : 'dark'} scheme`}
        >
          {scheme === 'dark' ? '☀' : '☾'}
        </button>
        <button class="plain" type="button" onClick={() => onEnd('')}>
          Sign out
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {live.state === 'unbound' && <Unbound />}
        {isCaller ? <CallerPage {...props} /> : <current.page {...props} />}
      </main>
      <Notices notices={notices} dismiss={dismiss} />
    </>
  );
};

const STATES = {
  connecting: 'connecting',
  live: 'live',
  lost: 'no connection',
  unbound: 'no counts',
} as const;

const Pulse = ({ live }: { readonly live: Live }) => (
  <span class={`pulse ${live.state}`} role="status">
    <i aria-hidden="true" />
    {STATES[live.state]}
  </span>
);

const Unbound = () => (
  <p class="hint" role="note">
    Nothing is counted: <code>PULSE</code> is not bound. Uncomment it in <code>wrangler.toml</code> and
    deploy; the other pages work without it.
  </p>
);
