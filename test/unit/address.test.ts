// Addresses and networks: one client has one name, however its address is written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientsOf, isWithin, networkOf, parseAddress, parseNetwork } from '../../src/lib/address.ts';

const within = (address: string, network: string): boolean => {
  const [parsed, of] = [parseAddress(address), parseNetwork(network)];
  if (parsed === undefined || of === undefined) throw new Error(`${address} in ${network}: not read`);
  return isWithin(parsed, of);
};

describe('a client’s network', () => {
  it.each([
    ['192.0.2.1', 64, '192.0.2.1'],
    ['::ffff:192.0.2.1', 64, '192.0.2.1'],
    ['::FFFF:c000:0201', 64, '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', 64, '192.0.2.1'],
    ['2001:db8::1', 64, '2001:db8:0:0'],
    ['2001:DB8:0:0:1::', 64, '2001:db8:0:0'],
    ['::1', 64, '0:0:0:0'],
    ['2001:db8:aaaa:bbcc::1', 56, '2001:db8:aaaa:bb00/56'],
    ['2001:db8:aaaa:bbcc::1', 48, '2001:db8:aaaa/48'],
    ['2001:db8::1', 32, '2001:db8/32'],
    ['2001:db8::1', 128, '2001:db8:0:0:0:0:0:1/128'],
    ['unknown', 64, 'unknown'],
    ['1::2::3', 64, '1::2::3'],
  ])('of %s under /%i is %s', (address, prefix, network) => {
    expect(networkOf(address, prefix)).toBe(network);
  });

  it('is the same for every way to write an IPv6 address', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    const prefix = fc.integer({ min: 32, max: 128 });
    fc.assert(
      fc.property(groups, prefix, (values, bits) => {
        const plain = values.map((value) => value.toString(16)).join(':');
        const padded = values.map((value) => value.toString(16).padStart(4, '0').toUpperCase()).join(':');
        const short = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
        const names = [plain, padded, short].map((text) => networkOf(text, bits));
        expect(new Set(names).size).toBe(1);
      }),
    );
  });
});

describe('a network', () => {
  it.each([
    ['192.0.2.1', '192.0.2.0/24', true],
    ['192.0.3.1', '192.0.2.0/24', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['::ffff:192.0.2.1', '192.0.2.0/24', true],
    ['192.0.2.1', '::ffff:192.0.2.0/120', true],
    ['192.0.2.1', '0.0.0.0/0', true],
    ['192.0.2.1', '::/0', false],
    ['2001:db8::1', '::/0', true],
    ['2001:db8::1', '0.0.0.0/0', false],
    ['2001:db8:1::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
  ])('%s of %s: %s', (address, network, expected) => {
    expect(within(address, network)).toBe(expected);
  });

  it.each([
    '',
    '192.0.2.0/33',
    '192.0.2.1/24',
    '192.0.2/24',
    '192.0.2.0/',
    '192.0.2.0/2x',
    '256.0.0.1',
    'example.com',
    '::/129',
    '2001:db8::1/32',
    '1:2:3:4:5:6:7::8:9',
    '192.0.2.0/24/8',
  ])('is not %s', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => parseNetwork(text) === undefined || text.length > 0));
  });
});

describe('the clients of a network', () => {
  const clients = (text: string, ipv6Prefix = 64) => {
    const network = parseNetwork(text);
    const all = network && clientsOf(network, ipv6Prefix, 256);
    return all?.map((address) => networkOf(address, ipv6Prefix));
  };

  it('are its addresses in IPv4, and its prefixes of the length that counts in IPv6', () => {
    expect(clients('203.0.113.0/30')).toEqual(['203.0.113.0', '203.0.113.1', '203.0.113.2', '203.0.113.3']);
    expect(clients('203.0.113.7/32')).toEqual(['203.0.113.7']);
    expect(clients('2001:db8:1::/63')).toEqual(['2001:db8:1:0', '2001:db8:1:1']);
    expect(clients('2001:db8:1:2::/64')).toEqual(['2001:db8:1:2']);
    expect(clients('2001:db8::/56', 56)).toHaveLength(1);
    expect(new Set(clients('198.51.100.0/24')).size).toBe(256);
    expect(new Set(clients('2001:db8::/56')).size).toBe(256);
  });

  it('are too many, or less than one', () => {
    for (const text of ['203.0.112.0/23', '0.0.0.0/0', '2001:db8::/55', '2001:db8::1/128', '::/0'])
      expect(clients(text), text).toBeUndefined();
  });
});
