// What a Pulse object knows, against plain sums of what it was told; over lost memory and lost messages too.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toldOf } from '../../../console/figures.ts';
import { COLUMNS, indexOf } from '../../../src/pulse/columns.ts';
import { perFamily, perRanking } from '../../../src/pulse/families.ts';
import { mergeTotals, mergeViews } from '../../../src/pulse/merge.ts';
import { type Batch, type Report, VERSION } from '../../../src/pulse/messages.ts';
import { everyMs } from '../../../src/pulse/pace.ts';
import { PulseState } from '../../../src/pulse/state.ts';

const NOW = 1_800_000_000_000;
const FORWARDED = indexOf('forwarded');

const rowOf = (forwarded: number) => COLUMNS.map((name) => (name === 'forwarded' ? forwarded : 0));

const batch = (number: number, forwarded = 1, at = NOW): Batch => ({
  number,
  columns: COLUMNS,
  rows: [[Math.floor(at / 1_000), rowOf(forwarded)]],
  series: perFamily((name) => (name === 'requests' ? [[['default', 'forwarded'], forwarded] as const] : [])),
  rankings: perRanking((name) => (name === 'requests' ? [['a name', forwarded, 0] as const] : [])),
  callers: [{ name: 'a name', kind: 'subject', limiter: 'a digest' }],
});

const report = (batches: readonly Batch[], whole = true, isolate = 'one'): Report => ({
  version: VERSION,
  isolate,
  batches,
  whole,
});

const forwardedIn = (state: PulseState) => state.totals().sums[FORWARDED];

describe('a report', () => {
  it('is added once, however often it comes', () => {
    const state = new PulseState();
    for (let i = 0; i < 3; i++) state.take(NOW, report([batch(1, 5), batch(2, 7)]));
    expect(forwardedIn(state)).toBe(12);
    expect(state.totals().series.requests).toEqual([[['default', 'forwarded'], 12]]);
  });

  it('that lacks what came before is wanted again with it', () => {
    const state = new PulseState();
    state.take(NOW, report([batch(1)]));
    expect(state.take(NOW, report([batch(3)], false)).added).toBe(1);
    expect(forwardedIn(state)).toBe(1);
    expect(state.take(NOW, report([batch(2), batch(3)], false)).added).toBe(3);
    expect(forwardedIn(state)).toBe(3);
  });

  it('of an isolate that keeps nothing older is added in spite of the gap', () => {
    const state = new PulseState();
    state.take(NOW, report([batch(7)], true));
    expect(forwardedIn(state)).toBe(1);
  });
});

/** What may happen between an isolate and its object. */
const events = fc.array(fc.constantFrom('report', 'report', 'report', 'lost receipt', 'write', 'evict'), {
  maxLength: 40,
});

describe('over evictions and lost messages', () => {
  it('no batch is lost or counted twice, as long as the isolate keeps what storage has not', () => {
    fc.assert(
      fc.property(events, (schedule) => {
        let state = new PulseState();
        let stored = structuredClone(state.store());
        let kept: Batch[] = [];
        let last = 0;
        let added = 0;
        const send = (heard: boolean) => {
          const owed = kept.filter(({ number }) => number > added);
          const receipt = { ...state.take(NOW, report(owed, owed[0] === kept[0])) };
          if (!heard) return;
          added = receipt.added;
          kept = kept.filter(({ number }) => number > receipt.stored);
        };
        for (const event of schedule) {
          if (event === 'write') stored = structuredClone(state.store());
          else if (event === 'evict') state = new PulseState(stored);
          else {
            kept = [...kept, batch(++last)];
            send(event === 'report');
          }
        }
        for (let attempt = 0; attempt < 3; attempt++) send(true);
        expect(forwardedIn(state)).toBe(last);
      }),
    );
  });
});

describe('charts', () => {
  it('sum up to what was reported within their range, by seconds and by minutes', () => {
    const ages = fc.array(fc.integer({ min: 0, max: 26 * 3_600_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(ages, (agesMs) => {
        const state = new PulseState();
        // Isolates report in their own order; one may be late.
        for (const [i, age] of agesMs.entries())
          state.take(NOW, report([batch(1, 1, NOW - age)], true, `isolate ${i}`));
        const within = (ms: number) => agesMs.filter((age) => NOW - age >= NOW - (NOW % 5_000) - ms).length;
        const sumOf = (range: '15m' | '1h' | '24h') =>
          state.view(NOW, range, 15).points.reduce((sum, row) => sum + (row[FORWARDED] ?? 0), 0);
        expect(sumOf('15m')).toBe(within(15 * 60_000 - 5_000));
        expect(forwardedIn(state)).toBe(agesMs.length);
      }),
    );
  });

  it('and the rate of now end where every isolate has told, however many there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 800 }), (isolates) => {
        const state = new PulseState();
        const every = everyMs(isolates);
        const arrives = 1_000;
        // A request a second at each, told at the isolate's own time, as often as all are asked to.
        for (let i = 0; i < isolates; i++) {
          const toldAt = NOW - Math.floor((i / isolates) * every);
          const rows = Array.from(
            { length: 60 },
            (_, ago) => [Math.floor(toldAt / 1_000) - 1 - ago, rowOf(1)] as const,
          );
          state.take(toldAt, report([{ ...batch(1), rows: rows.toReversed() }], true, `isolate ${i}`));
        }
        const view = state.view(NOW, '15m', 5);
        expect(view.now[FORWARDED]).toBe(10 * isolates);
        const told = toldOf({
          ...{ ...view, shards: 1, at: NOW, range: '15m', spanMs: 5_000, named: true },
          start: (Math.floor(NOW / 5_000) - 179) * 5_000,
        });
        expect(told.rows.at(-1)?.[FORWARDED]).toBe(5 * isolates);
        expect(NOW - (told.times.at(-1) ?? 0)).toBeLessThan(every + arrives + 2 * 5_000);
      }),
      { numRuns: 6 },
    );
  });

  it('are the same after they were written and read', () => {
    const state = new PulseState();
    for (let i = 0; i < 500; i++) state.take(NOW, report([batch(i + 1, i, NOW - i * 7_000)]));
    const again = new PulseState(structuredClone(state.store()));
    for (const range of ['15m', '1h', '24h'] as const)
      expect(again.view(NOW, range, 15)).toEqual(state.view(NOW, range, 15));
    expect(again.totals()).toEqual(state.totals());
    expect(again.caller(NOW, 'a name')).toEqual(state.caller(NOW, 'a name'));
  });

  it('are read from a version with other columns by their names', () => {
    const state = new PulseState();
    state.take(
      NOW,
      report([{ ...batch(1), columns: ['no such column', 'forwarded'], rows: [[NOW / 1_000, [9, 4]]] }]),
    );
    expect(forwardedIn(state)).toBe(4);
  });

  it('fit into one row of storage, however much comes', () => {
    const state = new PulseState();
    for (let i = 0; i < 3_000; i++) {
      const series = perFamily((name) => [[[`${name} ${i}`, `${i}`], 1] as const]);
      const rankings = perRanking(() => [[`${i}`.padStart(32, '0'), 1, 0] as const]);
      const callers = [{ name: `${i}`.padStart(32, '0'), kind: 'subject', limiter: 'f'.repeat(64) }];
      const made = { ...batch(1, 1, NOW - (i % 900) * 1_000), series, rankings, callers };
      state.take(NOW, report([made], true, `isolate ${i}`));
    }
    const bytes = JSON.stringify({ ...state.store(), seconds: 0, minutes: 0 }).length;
    const { seconds, minutes } = state.store();
    expect(bytes + seconds.counts.byteLength + minutes.counts.byteLength).toBeLessThan(2_000_000);
  });
});

describe('several objects', () => {
  it('say together what one would say', () => {
    const all = new PulseState();
    const parts = [new PulseState(), new PulseState(), new PulseState()];
    for (let i = 0; i < 90; i++) {
      const made = report([batch(1, i, NOW - i * 11_000)], true, `isolate ${i}`);
      all.take(NOW, made);
      parts[i % 3]?.take(NOW, made);
    }
    const shards = 3;
    expect(mergeViews(parts.map((part) => ({ ...part.view(NOW, '1h', 15), shards })))).toEqual({
      ...all.view(NOW, '1h', 15),
      shards,
    });
    const totalsOf = (state: PulseState) => ({ ...state.totals(), isolates: state.alive(NOW), shards });
    expect(mergeTotals(parts.map(totalsOf))).toEqual(totalsOf(all));
  });
});
