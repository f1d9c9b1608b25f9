// What was just done, and how to undo it.
import { useCallback, useState } from 'preact/hooks';

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
  readonly undo: (() => void) | undefined;
}

const SHOWN = 4;

export const useNotices = () => {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const dismiss = useCallback((id: number) => setNotices((all) => all.filter((each) => each.id !== id)), []);
  const say = useCallback((text: string, undo?: () => void, isBad = false) => {
    const id = Date.now() + Math.random();
    setNotices((all) => [...all, { id, text, isBad, undo }].slice(-SHOWN));
  }, []);
  return { notices, say, dismiss };
};

interface Props {
  readonly notices: readonly Notice[];
  readonly dismiss: (id: number) => void;
}

export const Notices = ({ notices, dismiss }: Props) => (
  <section class="notices" aria-label="What was done" aria-live="polite">
    {notices.map(({ id, text, isBad, undo }) => (
      <p key={id} class={isBad ? 'notice bad' : 'notice'}>
        <span>{text}</span>
        {undo && (
          <button
            type="button"
            onClick={() => {
              dismiss(id);
              undo();
            }}
          >
            Undo
          </button>
        )}
        <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>
          ×
        </button>
      </p>
    ))}
  </section>
);
