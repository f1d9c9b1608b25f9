// A time series, drawn by uPlot, and its numbers as a table for whoever cannot see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock } from './format.ts';

export interface Line {
  readonly label: string;
  /** Name of a custom property of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | undefined)[];
}

interface Props {
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Each line stands on the one before. */
  readonly stacked?: boolean;
  readonly height: number;
  readonly format: (value: number) => string;
  /** Changes with the colour scheme, so that the chart is drawn anew. */
  readonly scheme: string;
}

export const Chart = (props: Props) => {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { height, scheme, lines, title } = props;
  const shape = lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(
      optionsOf(() => latest.current, element),
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
    };
  }, [scheme, height, shape]);

  useEffect(() => plot.current?.setData(dataOf(props)));

  return (
    <figure class="chart" aria-label={title}>
      <div ref={box} aria-hidden="true" />
      <Numbers {...props} />
    </figure>
  );
};

/** The last ten points. In a box, since a table is as wide as its words whatever its style says. */
const Numbers = ({ title, times, lines, format }: Props) => (
  <div class="unseen">
    <table>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {lines.map(({ label }) => (
            <th scope="col" key={label}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times.slice(-10).map((time, i) => (
          <tr key={time}>
            <th scope="row">{clock(time)}</th>
            {lines.map(({ label, values }) => (
              <td key={label}>{format(values[times.length - Math.min(10, times.length) + i] ?? 0)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** uPlot draws from the first series to the last, so the highest of a stack goes first. */
const dataOf = ({ times, lines, stacked = false }: Props): uPlot.AlignedData => {
  const seconds = times.map((time) => time / 1_000);
  if (!stacked) return [seconds, ...lines.map(({ values }) => values.map((value) => value ?? null))];
  const sums: number[] = times.map(() => 0);
  const stack = lines.map(({ values }) =>
    values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return sums[i] ?? 0;
    }),
  );
  return [seconds, ...stack.toReversed()];
};

/** The numbers under the pointer. */
const tipOf = (props: () => Props, element: HTMLElement): uPlot.Plugin => {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  return {
    hooks: {
      init: () => void element.append(tip),
      destroy: () => tip.remove(),
      setCursor: ({ cursor: { idx, left = -1 }, bbox }) => {
        const { times, lines, format } = props();
        const time = times[idx ?? -1];
        tip.hidden = left < 0 || time === undefined;
        if (time === undefined) return;
        const rows = lines.map(({ label, values }) => `${label}  ${format(values[idx ?? 0] ?? 0)}`);
        tip.textContent = [clock(time), ...rows].join('\n');
        const x = left + bbox.left / devicePixelRatio;
        const isRight = x > element.clientWidth / 2;
        tip.style.left = isRight ? '' : `${x + 14}px`;
        tip.style.right = isRight ? `${element.clientWidth - x + 14}px` : '';
        tip.style.top = '12px';
      },
    },
  };
};

const optionsOf = (props: () => Props, element: HTMLElement): uPlot.Options => {
  const { lines, stacked = false, height, format } = props();
  const drawn = stacked ? lines.toReversed() : lines;
  const axis = {
    stroke: colour('--faint'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    padding: [10, 18, 0, 0],
    plugins: [tipOf(props, element)],
    legend: { show: false },
    cursor: { points: { show: false }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] } },
    axes: [
      {
        ...axis,
        space: 70,
        size: 26,
        grid: { show: false },
        values: (_plot, ticks) => ticks.map((tick) => clock(tick * 1_000)),
      },
      { ...axis, size: 46, space: 34, values: (_plot, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [
      {},
      ...drawn.map(({ label, colour: name }) => ({
        label,
        stroke: colour(name),
        width: stacked ? 1.25 : 1.75,
        ...(stacked ? { fill: colour(name) } : {}),
        points: { show: false },
      })),
    ],
  };
};
