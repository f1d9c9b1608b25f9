// How much verifying an address gets for its junk.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FailureGate, gateKeyOf } from '../../src/auth/failure-gate.ts';

const address = 'an address';
const spent = { limit: async () => ({ success: false }) };
const unspent = { limit: async () => ({ success: true }) };
const verified = async () => 'verified';

let tokens = 0;

/** How many of `count` verifications, begun at once, are run. */
const admittedOf = async (gate: FailureGate, count: number, from = address): Promise<number> => {
  const outcomes: unknown[] = [];
  for (let i = 0; i < count; i += 1)
    outcomes.push(gate.admits(from, `token ${tokens++}`) && (await gate.run(from, verified)));
  return outcomes.filter((outcome) => outcome === 'verified').length;
};

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the failure gate', () => {
  test('is open to an address whose failures are within the count', async () => {
    const gate = new FailureGate();
    await gate.charge(unspent, address);
    expect(await admittedOf(gate, 100)).toBe(100);
  });

  test('gives an address that failed too often a share of 20 a second, for ten seconds', async () => {
    const gate = new FailureGate();
    await gate.charge(spent, address);
    expect(await admittedOf(gate, 100)).toBe(20);
    vi.advanceTimersByTime(1_000);
    expect(await admittedOf(gate, 100)).toBe(20);
    vi.advanceTimersByTime(9_000);
    expect(await admittedOf(gate, 100)).toBe(100);
  });

  test('lets a token in that is presented again, however much junk is new', async () => {
    const gate = new FailureGate();
    await gate.charge(spent, address);
    expect(await admittedOf(gate, 300)).toBe(20);
    expect(gate.admits(address, 'good')).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(await admittedOf(gate, 300)).toBe(20);
    expect(gate.admits(address, 'good')).toBe(true);
  });

  test('lets no more than 300 in again a second', async () => {
    const gate = new FailureGate();
    await gate.charge(spent, address);
    await admittedOf(gate, 20);
    const again = Array.from({ length: 400 }, (_, i) => `again ${i}`);
    expect(again.filter((token) => gate.admits(address, token))).toEqual([]);
    expect(again.filter((token) => gate.admits(address, token)).length).toBe(300);
  });

  test('tells Workers of other zones apart, which come from one address', () => {
    const from = (zone: string, ip = '2a06:98c0:3600::103') =>
      gateKeyOf(
        new Request('https://a.test', { headers: { 'CF-Connecting-IP': ip, 'CF-Worker': zone } }),
        64,
      );
    expect(from('a.example')).not.toBe(from('b.example'));
    expect(from('a.example', '203.0.113.1')).toBe(from('b.example', '203.0.113.1'));
  });

  test('makes all failing addresses share the 20, and leaves the others alone', async () => {
    const gate = new FailureGate();
    await gate.charge(spent, 'a');
    await gate.charge(spent, 'b');
    expect(await admittedOf(gate, 15, 'a')).toBe(15);
    expect(await admittedOf(gate, 15, 'b')).toBe(5);
    expect(await admittedOf(gate, 15, 'c')).toBe(15);
  });

  test('runs at most four verifications of one address at once; a fifth waits its turn', async () => {
    const gate = new FailureGate();
    const open: (() => void)[] = [];
    let most = 0;
    let running = 0;
    const slow = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => open.push(resolve));
      running -= 1;
      return 'verified';
    };
    const all = Array.from({ length: 9 }, () => gate.run(address, slow));
    await vi.advanceTimersByTimeAsync(0);
    while (open.length > 0) {
      open.shift()?.();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(await Promise.all(all)).toEqual(Array(9).fill('verified'));
    expect(most).toBe(4);
  });

  test('refuses what has waited a second for its turn', async () => {
    const gate = new FailureGate();
    for (let i = 0; i < 4; i += 1) void gate.run(address, () => new Promise(() => undefined));
    const fifth = gate.run(address, verified);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(await fifth).toBeUndefined();
    expect(await gate.run('another address', verified)).toBe('verified');
  });

  test('gets back, after a while, the places of requests that the runtime dropped', async () => {
    const gate = new FailureGate();
    for (let i = 0; i < 4; i += 1) void gate.run(address, () => new Promise(() => undefined));
    vi.advanceTimersByTime(2_000);
    expect(await admittedOf(gate, 4)).toBe(4);
  });

  test('gets back the place of a verification that throws', async () => {
    const gate = new FailureGate();
    for (let i = 0; i < 10; i += 1) {
      await expect(gate.run(address, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    }
  });
});
