// Processor time of each contender as an SVG bar chart, readable on light and dark pages. Pure.
import { escaped, page } from './page.ts';
import type { Row } from './results.ts';

const WIDTH = 800;
const LABELS = 300;
const RIGHT = 180;
const BAR = 20;
const GAP = 12;
const TOP = 56;
const BOTTOM = 48;

const LIGHT = `
  .weir { fill: #0969da }
  .other { fill: #8c959f }`;
const DARK = `
    .weir { fill: #4493f8 }
    .other { fill: #656c76 }`;

/** A round distance between lines of the grid, so that there are about five. */
const stepOf = (most: number): number => {
  const rough = most / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
};

export const chart = (rows: readonly Row[], title: string): string => {
  const longest = Math.max(...rows.map(({ cpuUs }) => cpuUs));
  const step = stepOf(longest);
  const most = Math.ceil(longest / step) * step;
  const x = (us: number) => LABELS + (us / most) * (WIDTH - LABELS - RIGHT);
  const height = TOP + rows.length * (BAR + GAP) + BOTTOM;
  return page({ width: WIDTH, height, title, light: LIGHT, dark: DARK }, [
    ...grid(most, step, x, height),
    ...rows.map((row, i) => bar(row, TOP + i * (BAR + GAP), x)),
  ]);
};

const grid = (most: number, step: number, x: (us: number) => number, height: number): string[] => {
  const end = height - BOTTOM;
  const values = Array.from({ length: Math.round(most / step) + 1 }, (_, i) => i * step);
  const axis = `<text class="quiet" x="${x(most / 2)}" y="${end + 38}" text-anchor="middle">CPU microseconds per request (less is better)</text>`;
  return [
    ...values.map((us) => `<line class="grid" x1="${x(us)}" x2="${x(us)}" y1="${TOP - 8}" y2="${end}"/>`),
    ...values.map(
      (us) => `<text class="quiet" x="${x(us)}" y="${end + 18}" text-anchor="middle">${us}</text>`,
    ),
    axis,
  ];
};

const bar = ({ id, title, cpuUs, ratioToA }: Row, y: number, x: (us: number) => number): string => {
  const times = ratioToA === undefined ? '' : ` · ${ratioToA.toFixed(2)} × (a)`;
  const kind = title.startsWith('Weir') ? 'weir' : 'other';
  const middle = y + BAR / 2 + 4;
  return [
    `<text x="${LABELS - 10}" y="${middle}" text-anchor="end">(${escaped(id)}) ${escaped(title)}</text>`,
    `<rect class="${kind}" x="${LABELS}" y="${y}" width="${(x(cpuUs) - LABELS).toFixed(1)}" height="${BAR}" rx="2"/>`,
    `<text x="${(x(cpuUs) + 8).toFixed(1)}" y="${middle}">${cpuUs.toFixed(0)} µs${times}</text>`,
  ].join('\n');
};
