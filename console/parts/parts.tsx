// Small things that several pages are made of.
import type { ComponentChildren } from 'preact';
import { count } from '../format.ts';

interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly tone?: 'good' | 'warn' | 'bad' | undefined;
}

export const Tile = ({ label, value, note, tone }: TileProps) => (
  <div class={tone === undefined ? 'tile' : `tile ${tone}`}>
    <dt>{label}</dt>
    <dd>
      {value}
      {note !== undefined && <small>{note}</small>}
    </dd>
  </div>
);

interface CardProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
  /** Fills the rest of its row. */
  readonly rest?: boolean;
}

export const Card = ({ title, aside, children, wide = false, rest = false }: CardProps) => (
  <section class={`card${wide ? ' wide' : ''}${rest ? ' rest' : ''}`} aria-label={title}>
    <header>
      <h2>{title}</h2>
      {aside}
    </header>
    {children}
  </section>
);

interface Named {
  readonly label: string;
  /** Name of a custom property of the style sheet. */
  readonly colour: string;
}

interface KeyProps<Each extends Named> {
  readonly names: readonly Each[];
  readonly beside?: ((each: Each) => string) | undefined;
}

/** Which colour is what, in a chart. */
export const Key = <Each extends Named>({ names, beside }: KeyProps<Each>) => (
  <ul class="legend">
    {names.map((each) => (
      <li key={each.label} class={each.colour.slice(2)}>
        {each.label} {beside && <b>{beside(each)}</b>}
      </li>
    ))}
  </ul>
);

interface TableRow {
  readonly key: string;
  /** One for each head; the first names the row. */
  readonly cells: readonly ComponentChildren[];
}

/** A table; where there is no room for its columns each row is a block, whose cells say what they are. */
export const Table = ({
  head,
  rows,
}: {
  readonly head: readonly string[];
  readonly rows: readonly TableRow[];
}) => (
  <table>
    <thead>
      <tr>
        {head.map((each) => (
          <th scope="col" key={each}>
            {each}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map(({ key, cells: [name, ...others] }) => (
        <tr key={key}>
          <th scope="row">{name}</th>
          {others.map((cell, i) => (
            <td key={head[i + 1]} data-head={head[i + 1]}>
              {cell}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);

export interface BarRow {
  readonly key: string;
  readonly label: ComponentChildren;
  readonly value: number;
  /** In place of the value as a number. */
  readonly text?: string;
  readonly colour?: string;
  readonly title?: string;
}

/** A list ordered by how much, each row with its share of the largest. */
export const BarList = ({ rows, empty }: { readonly rows: readonly BarRow[]; readonly empty: string }) => {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const most = Math.max(...rows.map(({ value }) => value));
  return (
    <ol class="bars">
      {rows.map(({ key, label, value, text, colour = '--passed', title }) => (
        <li key={key} title={title}>
          <span class="bar-label">{label}</span>
          <span class="bar-value">{text ?? count(value)}</span>
          <Meter share={most === 0 ? 0 : value / most} colour={colour} />
        </li>
      ))}
    </ol>
  );
};

/** Decoration: the number beside it says the same. */
export const Meter = ({ share, colour }: { readonly share: number; readonly colour: string }) => (
  <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect width="100" height="4" style={{ fill: 'var(--line)' }} />
    <rect width={Math.max(0, Math.min(100, share * 100))} height="4" style={{ fill: `var(${colour})` }} />
  </svg>
);

export const WindowPicker = ({
  minutes,
  setMinutes,
}: {
  readonly minutes: number;
  readonly setMinutes: (minutes: number) => void;
}) => (
  <fieldset class="segments">
    <legend class="unseen">Minutes that are ranked</legend>
    {[1, 5, 15].map((each) => (
      <button key={each} type="button" aria-pressed={each === minutes} onClick={() => setMinutes(each)}>
        {each} min
      </button>
    ))}
  </fieldset>
);
