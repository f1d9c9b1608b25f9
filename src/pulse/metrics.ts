// Totals as text for Prometheus: OpenMetrics 1.0, or its predecessor for scrapers that ask for that. Pure.
import { indexOf, SOURCES, WAIT_BOUNDS_MS } from './columns.ts';
import { FAMILIES, FAMILY_NAMES } from './families.ts';
import type { Totals } from './state.ts';

export interface Format {
  readonly contentType: string;
  /** Where a counter's declaration has the name of its sample. */
  readonly suffixDeclared: boolean;
  readonly unit: boolean;
  readonly end: string;
}

const OPENMETRICS: Format = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  suffixDeclared: false,
  unit: true,
  end: '# EOF\n',
};

/** What `promtool check metrics` and scrapers before OpenMetrics read. */
const PLAIN_TEXT: Format = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  suffixDeclared: true,
  unit: false,
  end: '',
};

/** OpenMetrics, unless plain text alone is accepted. */
export const formatFor = (accept: string | undefined): Format =>
  accept?.includes('text/plain') && !accept.includes('openmetrics') ? PLAIN_TEXT : OPENMETRICS;

interface Metered extends Totals {
  readonly isolates: number;
  readonly shards: number;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number, suffix?: string];

interface Metric {
  /** Without a counter's `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit?: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const metricsText = (totals: Metered, format: Format): string =>
  [...familyMetrics(totals), ...columnMetrics(totals), ...ownMetrics(totals)]
    .map((metric) => textOf(metric, format))
    .join('') + format.end;

const familyMetrics = ({ series }: Metered): Metric[] =>
  FAMILY_NAMES.map((name) => {
    const { labels, help } = FAMILIES[name];
    const named = (values: readonly string[]) =>
      Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']));
    const samples = (series[name] ?? []).map(([values, count]): Sample => [named(values), count]);
    return { name, type: 'counter', help, samples };
  });

const columnMetrics = ({ sums }: Metered): Metric[] => {
  const sum = (column: string): number => sums[indexOf(column)] ?? 0;
  return [
    {
      name: 'permits',
      type: 'counter',
      help: 'Requests that needed permits, by who gave them: the isolate that held them, a Limiter that was asked, or the failure policy.',
      samples: SOURCES.map((source) => [{ source }, sum(`permits_${source}`)]),
    },
    {
      name: 'origin_responses',
      type: 'counter',
      help: 'Responses that were the origin’s.',
      samples: [[{}, sum('origin')]],
    },
    {
      name: 'wait_seconds',
      type: 'histogram',
      unit: 'seconds',
      help: 'Weir’s own wait, until a request was forwarded or refused; the clock of Workers moves only with I/O.',
      samples: waitSamples(sum),
    },
  ];
};

const waitSamples = (sum: (column: string) => number): Sample[] => {
  let count = 0;
  const buckets = [...WAIT_BOUNDS_MS, 'inf' as const].map((bound): Sample => {
    count += sum(`wait_${bound}`);
    return [{ le: bound === 'inf' ? '+Inf' : String(bound / 1_000) }, count, '_bucket'];
  });
  return [...buckets, [{}, sum('wait_ms') / 1_000, '_sum'], [{}, count, '_count']];
};

const ownMetrics = ({ reports, isolates, shards }: Metered): Metric[] => [
  {
    name: 'pulse_reports',
    type: 'counter',
    help: 'Reports of isolates that were added.',
    samples: [[{}, reports]],
  },
  { name: 'pulse_objects', type: 'gauge', help: 'Objects that share the isolates.', samples: [[{}, shards]] },
  { name: 'isolates', type: 'gauge', help: 'Isolates that reported lately.', samples: [[{}, isolates]] },
];

const textOf = ({ name, type, unit, help, samples }: Metric, format: Format): string => {
  const full = `weir_${name}`;
  const sampled = type === 'counter' ? `${full}_total` : full;
  const declared = format.suffixDeclared ? sampled : full;
  const head = [
    `# TYPE ${declared} ${type}`,
    ...(unit !== undefined && format.unit ? [`# UNIT ${declared} ${unit}`] : []),
    `# HELP ${declared} ${escaped(help)}`,
  ];
  const lines = samples.map(
    ([labels, value, suffix = '']) => `${sampled}${suffix}${labelText(labels)} ${value}`,
  );
  return `${[...head, ...lines].join('\n')}\n`;
};

const labelText = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
