// Calls a second at one object by the number of isolates, as an SVG chart with both axes logarithmic. Pure.
import { page } from './page.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [isolates: number, callsPerSecond: number])[];
}

const [WIDTH, HEIGHT] = [800, 420];
const [LEFT, RIGHT, TOP, BOTTOM] = [80, 150, 56, 64];
const [LEAST_X, MOST_X] = [1, 1_000];
const [LEAST_Y, MOST_Y] = [10, 10_000];
/** The platform's soft limit for one object, calls a second. */
const SOFT_LIMIT = 1_000;

const LIGHT = `
  .limit { stroke: #cf222e; stroke-dasharray: 6 4 }
  .line { fill: none; stroke-width: 2.5 }
  .s0 { stroke: #0969da } .p0 { fill: #0969da }
  .s1 { stroke: #8250df } .p1 { fill: #8250df }`;
const DARK = `
    .limit { stroke: #f85149 }
    .s0 { stroke: #4493f8 } .p0 { fill: #4493f8 }
    .s1 { stroke: #ab7df8 } .p1 { fill: #ab7df8 }`;

const along = (value: number, least: number, most: number): number =>
  Math.log(value / least) / Math.log(most / least);

const x = (isolates: number): number =>
  Math.round(LEFT + along(isolates, LEAST_X, MOST_X) * (WIDTH - LEFT - RIGHT));
const y = (calls: number): number =>
  Math.round(HEIGHT - BOTTOM - along(Math.max(LEAST_Y, calls), LEAST_Y, MOST_Y) * (HEIGHT - TOP - BOTTOM));

const TITLE = 'Calls a second at one object, 50,000 requests a second in all';

export const lineChart = (series: readonly Series[]): string =>
  page({ width: WIDTH, height: HEIGHT, title: TITLE, light: LIGHT, dark: DARK }, [
    ...[10, 100, 1_000, 10_000].map(horizontal),
    ...[1, 10, 100, 1_000].map(vertical),
    `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(SOFT_LIMIT)}" y2="${y(SOFT_LIMIT)}"/>`,
    `<text class="quiet" x="${LEFT + 6}" y="${y(SOFT_LIMIT) - 6}">the platform’s soft limit</text>`,
    `<text class="quiet" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 16}" text-anchor="middle">isolates</text>`,
    ...series.map(curve),
  ]);

const horizontal = (calls: number): string =>
  [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(calls)}" y2="${y(calls)}"/>`,
    `<text class="quiet" x="${LEFT - 8}" y="${y(calls) + 4}" text-anchor="end">${calls.toLocaleString('en')}</text>`,
  ].join('\n');

const vertical = (isolates: number): string =>
  `<text class="quiet" x="${x(isolates)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${isolates.toLocaleString('en')}</text>`;

const curve = ({ name, points }: Series, index: number): string => {
  const at = points.map(([isolates, calls]) => [x(isolates), y(calls)] as const);
  const [lastX = 0, lastY = 0] = at.at(-1) ?? [];
  return [
    `<polyline class="line s${index}" points="${at.map((point) => point.join(',')).join(' ')}"/>`,
    ...at.map(([cx, cy]) => `<circle class="p${index}" cx="${cx}" cy="${cy}" r="4"/>`),
    `<text x="${lastX + 10}" y="${lastY + 4}">${name}</text>`,
  ].join('\n');
};
