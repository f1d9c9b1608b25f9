// Numbers and times as people read them.

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat('en');

export const count = (n: number): string => (n < 10_000 ? whole.format(Math.round(n)) : compact.format(n));

export const exactly = (n: number): string => whole.format(n);

/** A rate, with one decimal where it is small. */
export const rate = (n: number): string => (n === 0 ? '0' : n < 10 ? n.toFixed(1) : count(n));

export const percent = (share: number): string => {
  if (!Number.isFinite(share)) return '–';
  const value = share * 100;
  return `${value === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(value < 1 ? 2 : 1)} %`;
};

export const milliseconds = (ms: number | undefined): string =>
  ms === undefined
    ? '–'
    : ms < 1
      ? '< 1 ms'
      : ms < 1_000
        ? `${Math.round(ms)} ms`
        : `${(ms / 1_000).toFixed(1)} s`;

export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const dateTime = (at: number | string): string =>
  new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `2 h 5 min`, in two units at most. */
export const duration = (seconds: number): string => {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0) parts.push(`${n} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join(' ') || '0 s';
};

/** A partition's name, short enough for a row; the whole of it stands in the row's title. */
export const short = (name: string): string => `${name.slice(0, 8)}…${name.slice(-4)}`;
