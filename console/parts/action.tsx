// A change to a caller: what it takes, what it will do, and why. Nothing happens before it is confirmed.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Action {
  readonly title: string;
  /** What will happen, a sentence each, with what is typed so far. */
  readonly consequences: (fields: FormData) => readonly string[];
  /** Why it cannot be done as typed. */
  readonly objection?: (fields: FormData) => string | undefined;
  readonly fields?: ComponentChildren;
  readonly confirm: string;
  readonly isDangerous: boolean;
  /** @throws what the server said. */
  readonly run: (fields: FormData, reason: string) => Promise<void>;
}

interface Props {
  readonly action: Action;
  readonly whom: string;
  readonly onClose: () => void;
}

export const ActionDialog = ({ action, whom, onClose }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [fields, setFields] = useState(() => new FormData());
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
    if (form.current) setFields(new FormData(form.current));
  }, []);
  const objection = action.objection?.(fields);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (objection !== undefined || busy || !form.current) return;
    const given = new FormData(form.current);
    setBusy(true);
    try {
      await action.run(given, String(given.get('reason') ?? '').trim());
      onClose();
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="action-title" onClose={onClose}>
      <form ref={form} onSubmit={submit} onInput={(event) => setFields(new FormData(event.currentTarget))}>
        <h2 id="action-title">{action.title}</h2>
        <p class="faint">
          <code>{whom}</code>
        </p>
        {action.fields}
        <label for="reason">Reason</label>
        <input
          id="reason"
          name="reason"
          required
          maxLength={200}
          autocomplete="off"
          placeholder="case 81, a scraper"
        />
        <div class="consequences" aria-live="polite">
          {objection === undefined ? (
            <ul>
              {action.consequences(fields).map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          ) : (
            <p class="said">{objection}</p>
          )}
        </div>
        <p class="said" role="alert">
          {said}
        </p>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            class={action.isDangerous ? 'danger' : 'primary'}
            type="submit"
            disabled={busy || objection !== undefined}
          >
            {action.confirm}
          </button>
        </footer>
      </form>
    </dialog>
  );
};
