// What clients in the wild make of our refusals in each mode of RATELIMIT_HEADERS: octokit's throttling plugin, which many
// clients are built with, the parser of npm, and a parser of structured fields.
import { Octokit } from '@octokit/core';
import { throttling } from '@octokit/plugin-throttling';
import { parseRateLimit } from 'ratelimit-header-parser';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { concurrencyLimitExceeded, quotaExceeded } from '../../src/problem.ts';
import { addFields, type FIELDS, policyField, rateLimitItem, slotItem } from '../../src/quota/fields.ts';
import { limitsOf } from '../fixtures/config.ts';

type Mode = keyof typeof FIELDS;

const WAIT_MS = 7_000;
const policies = limitsOf('10/minute; 1000/hour');
const slots = { name: '5 at once', counter: 'default:at-once', slots: 5 };

/** A 429 as the Worker answers it: of `10/minute`, or of `5 at once`. */
const refusal = (mode: Mode, ofSlots = false): Response => {
  const response = ofSlots ? concurrencyLimitExceeded([slots.name]) : quotaExceeded(WAIT_MS, ['10/minute']);
  const windows = policies.map(({ name }, i) => rateLimitItem(name, ofSlots ? 9 : i * 500, WAIT_MS));
  addFields(
    response.headers,
    {
      policies: policyField([...policies, slots]),
      limits: [...windows, slotItem(slots.name, ofSlots ? 0 : 4)].join(', '),
      nearest: { quota: 10, remaining: ofSlots ? 9 : 0, resetsAt: Date.now() + WAIT_MS },
    },
    mode,
  );
  return response;
};

const Throttled = Octokit.plugin(throttling);

/** Seconds that octokit waits after a refusal; undefined where it takes it for no rate limit. */
const waitOf = async (response: Response): Promise<number | undefined> => {
  let seconds: number | undefined;
  const note = (after: number) => {
    seconds = after;
    return false;
  };
  const octokit = new Throttled({
    baseUrl: 'https://api.test',
    request: { fetch: () => Promise.resolve(response) },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    throttle: { onRateLimit: note, onSecondaryRateLimit: note },
  });
  await expect(octokit.request('GET /')).rejects.toMatchObject({ status: 429 });
  return seconds;
};

describe('a refusal', () => {
  it.each(['legacy', 'both'] as const)('in %s mode is waited out by octokit', async (mode) => {
    const seconds = await waitOf(refusal(mode));
    expect(seconds).toBeGreaterThanOrEqual(WAIT_MS / 1000);
    // It rounds up, and waits a second more for clocks that differ.
    expect(seconds).toBeLessThanOrEqual(WAIT_MS / 1000 + 2);
  });

  it.each(['standard', 'none'] as const)('in %s mode is a plain 429 to octokit', async (mode) => {
    expect(await waitOf(refusal(mode))).toBeUndefined();
  });

  it.each(['standard', 'legacy', 'both', 'none'] as const)(
    'for requests in flight has no time to wait in %s mode, and is no spent quota to octokit',
    async (mode) => {
      expect(refusal(mode, true).headers.has('Retry-After')).toBe(false);
      expect(await waitOf(refusal(mode, true))).toBeUndefined();
    },
  );

  it('in legacy mode is read by ratelimit-header-parser', () => {
    const read = parseRateLimit(refusal('legacy'));
    expect(read).toMatchObject({ limit: 10, remaining: 0 });
    const wait = (read?.reset?.getTime() ?? 0) - Date.now();
    expect(wait).toBeGreaterThan(WAIT_MS - 1_000);
    expect(wait).toBeLessThanOrEqual(WAIT_MS + 1_000);
  });

  it.each(['standard', 'both'] as const)(
    'in %s mode has a field that ratelimit-header-parser, which knows drafts up to 7, takes for nothing',
    (mode) => {
      expect(parseRateLimit(refusal(mode))?.remaining).toBeNaN();
    },
  );

  it.each(['standard', 'both'] as const)('in %s mode is read by structured-headers', (mode) => {
    const { headers } = refusal(mode);
    const told = parseList(headers.get('RateLimit-Policy') ?? '');
    expect(told.map(([name, parameters]) => [name, Object.fromEntries(parameters)])).toEqual([
      ['10/minute', { q: 10, w: 60 }],
      ['1000/hour', { q: 1000, w: 3600 }],
      ['5 at once', { q: 5, qu: 'concurrent-requests' }],
    ]);
    const left = parseList(headers.get('RateLimit') ?? '');
    expect(left.map(([name, parameters]) => [name, Object.fromEntries(parameters)])).toEqual([
      ['10/minute', { r: 0, t: 7 }],
      ['1000/hour', { r: 500, t: 7 }],
      ['5 at once', { r: 4 }],
    ]);
  });

  it('in none mode says no more than when to come again', () => {
    expect([...refusal('none').headers.keys()].filter((name) => name.includes('rate'))).toEqual([]);
    expect(refusal('none').headers.get('Retry-After')).toBe('7');
  });
});
