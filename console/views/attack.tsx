// What is refused, and why. Reasons are for this page and the log; no client ever learns them.

import type { PulseView } from '../../src/admin/views.ts';
import { OUTCOMES, type Outcome } from '../../src/report/outcomes.ts';
import { reader } from '../figures.ts';
import { count, rate } from '../format.ts';
import type { Page } from '../page.ts';
import { BarList, Card, WindowPicker } from '../parts/parts.tsx';
import { SeriesCard } from '../parts/series.tsx';
import { rowsOf } from './who.tsx';

const LINES: readonly (readonly [Outcome, string, string])[] = [
  ['unauthorized', '401 unauthorized', '--refused'],
  ['forbidden', '403 forbidden', '--near'],
  ['denied', '429 over quota', '--limited'],
  ['abnormal', '429 abnormal', '--failed'],
];

/** What a reason means to whoever is woken by it. */
const MEANINGS: Readonly<Record<string, string>> = {
  path_ambiguous: 'a path that servers read in many ways: a scanner',
  host_invalid: 'a `Host` that is no name: a scanner',
  method_not_allowed: 'TRACE: a scanner',
  length_invalid: 'a length beyond all counting',
  token_missing: 'no token was sent',
  token_malformed: 'not a JWT: a scanner, or a broken client',
  token_expired: 'a client that does not refresh its tokens',
  token_revoked: 'a token that an operator revoked',
  signature_invalid: 'forged, or signed with another key',
  key_unknown: 'signed with a key that the issuer does not publish',
  alg_not_allowed: 'an algorithm that is not allowed: a known attack',
  issuer_unknown: 'from an issuer that is not trusted',
  scope_missing: 'a good token without a scope of the route',
  quota_exceeded: 'over its quota',
  auth_failures: 'the failure gate: too many bad tokens from one address',
  unusual_use: 'far above the caller’s own average',
};

export const AttackPage = ({ live: { view }, scheme, range, minutes, setMinutes }: Page) => {
  if (view === undefined) return <p class="empty">Waiting for the first counts…</p>;
  const read = reader(view.columns);
  const seconds = view.spanMs / 1_000;
  return (
    <div class="page">
      <header class="head">
        <h1>Attack</h1>
        <WindowPicker minutes={minutes} setMinutes={setMinutes} />
      </header>
      <SeriesCard
        view={view}
        scheme={scheme}
        range={range}
        title="Refused a second"
        measures={LINES.map(([outcome, label, colour]) => ({
          label,
          colour,
          of: (row) => read(row, outcome) / seconds,
        }))}
        stacked
        wide
        height={230}
        format={rate}
      />
      <Card title="Why">
        <Reasons view={view} />
      </Card>
      <Card title="Failing authentication">
        <p class="faint">
          Addresses by the name that the log gives them. Past 60 failures a minute one is gated: its new
          tokens share 20 verifications a second, and known good ones pass.
        </p>
        <BarList rows={rowsOf(view, 'unauthorized', '--refused')} empty="No address fails." />
      </Card>
      <Card title="Policies that deny">
        <BarList
          rows={view.series.denials
            .toSorted((a, b) => b[1] - a[1])
            .slice(0, 10)
            .map(([[policy = '', mode = ''], n]) => ({
              key: `${policy} ${mode}`,
              label: (
                <>
                  <code>{policy}</code> {mode === 'shadow' && <small>shadow</small>}
                </>
              ),
              value: n,
              colour: '--limited',
            }))}
          empty="No policy denied."
        />
      </Card>
    </div>
  );
};

const Reasons = ({ view }: { readonly view: PulseView }) => (
  <BarList
    rows={view.series.refusals
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 12)
      .map(([[outcome = '', reason = ''], n]) => ({
        key: `${outcome} ${reason}`,
        label: (
          <>
            <code>{reason}</code> <small>{MEANINGS[reason] ?? outcome.replaceAll('_', ' ')}</small>
          </>
        ),
        value: n,
        text: count(n),
        colour: `--${OUTCOMES[outcome as Outcome] ?? 'failed'}`,
      }))}
    empty="Nothing was refused."
  />
);
