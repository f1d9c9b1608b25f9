// The audit trail: what operators changed.
import { useEffect, useState } from 'preact/hooks';
import type { Change } from '../../src/pulse/changes.ts';
import { dateTime, short } from '../format.ts';
import type { Page } from '../page.ts';
import { Table } from '../parts/parts.tsx';
import { hashOf } from '../path.ts';

const EVERY_MS = 5_000;

export const TrailPage = ({ api, say }: Page) => {
  const [changes, setChanges] = useState<readonly Change[] | undefined>(undefined);
  useEffect(() => {
    const load = () =>
      api.call<{ readonly changes: readonly Change[] }>('GET', 'changes').then(
        (answer) => setChanges(answer.changes),
        () => undefined,
      );
    load();
    const timer = setInterval(load, EVERY_MS);
    return () => clearInterval(timer);
  }, [api, say]);
  return (
    <div class="page">
      <header class="head">
        <h1>Trail</h1>
        <p class="faint">What operators changed, newest first; the log has the same without reasons.</p>
      </header>
      {changes?.length === 0 && <p class="empty">Nothing was changed yet.</p>}
      <section class="card wide" aria-label="Changes">
        <Table
          head={['When', 'Caller', 'What', 'Reason', 'Request']}
          rows={(changes ?? []).map(({ at, id, action, partition, detail, reason }) => ({
            key: id + at,
            cells: [
              <time key="at">{dateTime(at)}</time>,
              partition === null ? (
                '–'
              ) : (
                <a key="partition" href={hashOf('who', 'partition', partition)}>
                  <code>{short(partition)}</code>
                </a>
              ),
              `${deed(action)} ${detail.replace(ISO, (time) => dateTime(Date.parse(time)))}`,
              reason || '–',
              <code key="id">{id}</code>,
            ],
          }))}
        />
      </section>
    </div>
  );
};

/** As the admin API writes a time. */
const ISO = /\d{4}-\d\d-\d\dT[\d:.]+Z/;

/** `DELETE /.weir/subjects/override` -> `lift override`. */
const deed = (action: string): string => {
  const [method, path = ''] = action.split(' ');
  const what = path.slice(path.lastIndexOf('/') + 1);
  return method === 'DELETE' ? `lift ${what}` : what;
};
