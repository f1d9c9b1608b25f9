// What is in force: routes and their policies, the configuration, what is doubtful about it, and which route a path meets.
import { useEffect, useState } from 'preact/hooks';
import type { RoutesView, TriedView } from '../../src/admin/views.ts';
import type { Finding } from '../../tools/check/finding.ts';
import { findingsOf, type ShownConfig } from '../findings.ts';
import type { Page } from '../page.ts';
import { Card, Table } from '../parts/parts.tsx';

export const RoutesPage = ({ api, say }: Page) => {
  const [view, setView] = useState<RoutesView | undefined>(undefined);
  const [config, setConfig] = useState('');
  const [findings, setFindings] = useState<readonly Finding[] | undefined>(undefined);
  useEffect(() => {
    const fail = (error: Error) => say(error.message, undefined, true);
    api.call<RoutesView>('GET', 'routes').then(setView, fail);
    api.call<ShownConfig>('GET', 'config').then((shown) => {
      setConfig(JSON.stringify(shown, null, 2));
      setFindings(findingsOf(shown));
    }, fail);
  }, [api, say]);
  return (
    <div class="page">
      <header class="head">
        <h1>Routes</h1>
        <p class="faint">As the Worker has read its vars. Changes need a deploy.</p>
      </header>
      <Card title="Try a path" wide>
        <Try api={api} />
      </Card>
      <Card title="Policies in force" wide>
        <Table
          head={['Route', 'Match', 'Caller', 'Mode', 'Cost', 'Policies']}
          rows={(view?.rows ?? []).map((row) => ({
            key: `${row.route} ${row.caller}`,
            cells: [
              row.route,
              <code key="match">
                {row.methods === '*' ? '' : `${row.methods} `}
                {row.match}
              </code>,
              row.caller,
              row.mode === 'shadow' ? (
                <span key="mode" class="badge warn">
                  shadow
                </span>
              ) : (
                row.mode
              ),
              row.cost,
              <Policies key="policies" of={row.policies} />,
            ],
          }))}
        />
      </Card>
      <Card title="Doubtful">
        {findings?.length === 0 && <p class="empty">Nothing: no warning of this configuration.</p>}
        <ul class="findings">
          {findings?.map(({ code, message, fix }) => (
            <li key={code + message}>
              <b>{message}</b>
              <small>{fix}</small>
            </li>
          ))}
        </ul>
      </Card>
      <Card title="Configuration, secrets masked" rest>
        <textarea readOnly rows={18} spellcheck={false} aria-label="Configuration" value={config} />
      </Card>
    </div>
  );
};

/** A policy's own name says by what it counts, unless that is the usual. */
const Policies = ({ of }: { readonly of: RoutesView['rows'][number]['policies'] }) => {
  const named = Object.entries(of).flatMap(([kind, names]) => names.map((name) => ({ kind, name })));
  if (named.length === 0) return <small>none</small>;
  return (
    <>
      {named.map(({ kind, name }) => (
        <div key={name}>
          {name} {!name.includes(' by ') && <small>by {kind}</small>}
        </div>
      ))}
    </>
  );
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'];

const Try = ({ api }: Pick<Page, 'api'>) => {
  const [tried, setTried] = useState<TriedView | undefined>(undefined);
  const [said, setSaid] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [method, path] = ['method', 'path'].map((name) => String(form.get(name) ?? ''));
    try {
      setTried(await api.call('GET', 'routes/try', { method, path }));
      setSaid('');
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <form class="find" onSubmit={submit}>
        <label class="unseen" for="try-method">
          Method
        </label>
        <select id="try-method" name="method">
          {METHODS.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <label class="unseen" for="try-path">
          Path
        </label>
        <input
          id="try-path"
          name="path"
          required
          placeholder="/api/search?q=x"
          spellcheck={false}
          autocomplete="off"
        />
        <button type="submit">Try</button>
      </form>
      <p class="said" role="alert">
        {said}
      </p>
      {tried && (
        <dl class="facts" aria-live="polite">
          <dt>Route</dt>
          <dd>
            <b>{tried.route}</b> <code>{tried.match}</code>
          </dd>
          <dt>Asks for</dt>
          <dd>
            auth {tried.auth}
            {tried.scopes.length > 0 && `, scopes ${tried.scopes.join(' ')}`}, mode {tried.mode}, cost{' '}
            {tried.cost}
          </dd>
          {tried.rows.map(({ caller, policies }) => (
            <>
              <dt key={caller}>{caller}</dt>
              <dd>
                {Object.entries(policies)
                  .map(([kind, names]) => `${names.join(', ')} by ${kind}`)
                  .join('; ') || 'no policy'}
              </dd>
            </>
          ))}
        </dl>
      )}
    </>
  );
};
