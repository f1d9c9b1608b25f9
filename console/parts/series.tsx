// What was counted over time: a card with a chart and its key.
import type { PulseView } from '../../src/admin/views.ts';
import { Chart } from '../chart.tsx';
import { type Counts, toldOf } from '../figures.ts';
import type { Page } from '../page.ts';
import { Card, Key } from './parts.tsx';

/** One line: what it shows of a point. */
export interface Measure {
  readonly label: string;
  /** Name of a custom property of the style sheet. */
  readonly colour: string;
  readonly of: (row: Counts) => number | undefined;
}

interface Props extends Pick<Page, 'range' | 'scheme'> {
  readonly title: string;
  readonly view: PulseView;
  readonly measures: readonly Measure[];
  readonly height: number;
  readonly format: (value: number) => string;
  /** A number beside each name in the key. */
  readonly beside?: (measure: Measure) => string;
  readonly stacked?: boolean;
  readonly wide?: boolean;
}

export const SeriesCard = ({ title, view, measures, beside, wide = false, range, ...drawn }: Props) => {
  const { times, rows } = toldOf(view);
  const lines = measures.map(({ label, colour, of }) => ({ label, colour, values: rows.map(of) }));
  return (
    <Card title={title} wide={wide} aside={<Key names={measures} beside={beside} />}>
      <Chart title={`${title}, ${range}`} times={times} lines={lines} {...drawn} />
    </Card>
  );
};
