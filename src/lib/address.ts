// IP addresses and networks (RFC 4291), as text -> eight groups of 16 bits. IPv4 is held as IPv6 has it (`::ffff:192.0.2.1`),
// so that the two ways to write one address are one.

/** Eight groups of 16 bits. */
type Address = readonly number[];

/** The addresses that begin as `address` does, for so many bits. */
export interface Network {
  readonly address: Address;
  readonly prefix: number;
}

/** Bits that precede an IPv4 address where it is held as IPv6. */
const V4_LEAD = 96;

/** One client commonly holds a whole IPv6 /64, so that is what counts as one address unless told otherwise. */
export const USUAL_PREFIX = 64;

/** Undefined where the text is no address. */
export const parseAddress = (text: string): Address | undefined =>
  text.includes(':') ? parseV6(text) : parseV4(text);

const parseV4 = (text: string): Address | undefined => {
  const bytes = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : [];
  const [a = 256, b = 256, c = 256, d = 256] = bytes;
  return Math.max(a, b, c, d) > 255 ? undefined : [0, 0, 0, 0, 0, 0xffff, a * 256 + b, c * 256 + d];
};

const parseV6 = (text: string): Address | undefined => {
  const groups = groupsOf(text.replace(/(?<=:)\d+\.[\d.]+$/, hexOfV4));
  if (groups?.length !== 8 || !groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
};

/** RFC 4291 section 2.2: the last 32 bits may be written as IPv4. */
const hexOfV4 = (text: string): string =>
  parseV4(text)
    ?.slice(6)
    .map((group) => group.toString(16))
    .join(':') ?? text;

/** The groups, with `::` filled in; undefined where it occurs twice, or stands for no group. */
const groupsOf = (text: string): readonly string[] | undefined => {
  const [left = [], right, ...more] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  if (right === undefined) return left;
  const zeros = 8 - left.length - right.length;
  return more.length > 0 || zeros < 1 ? undefined : [...left, ...Array<string>(zeros).fill('0'), ...right];
};

/** RFC 4291 section 2.5.5.2. */
const isV4 = (address: Address): boolean =>
  address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0);

/** `192.0.2.0/24`, `2001:db8::/32`, or one address. Undefined for any other text, or where bits are set after the prefix. */
export const parseNetwork = (text: string): Network | undefined => {
  const [head = '', length = '', ...more] = text.split('/');
  const address = parseAddress(head);
  if (address === undefined || more.length > 0 || (text.includes('/') && !/^\d{1,3}$/.test(length)))
    return undefined;
  const lead = head.includes(':') ? 0 : V4_LEAD;
  const prefix = text.includes('/') ? lead + Number(length) : 128;
  const fits = prefix <= 128 && prefix >= (isV4(address) ? V4_LEAD : 0);
  return fits && isWithin(address, { address: masked(address, prefix), prefix: 128 })
    ? { address, prefix }
    : undefined;
};

/** The address with all but its first bits cleared. */
const masked = (address: Address, prefix: number): Address =>
  address.map((group, i) => group & (0xffff << Math.min(16, Math.max(0, 16 * (i + 1) - prefix))));

/** Whether an address belongs to a network; no IPv4 address belongs to an IPv6 network. */
export const isWithin = (address: Address, network: Network): boolean => {
  if (isV4(address) !== isV4(network.address)) return false;
  const start = masked(address, network.prefix);
  return network.address.every((group, i) => group === start[i]);
};

/** Names an address's network: IPv4 as it is, IPv6 by its first bits; what is no address stays as it is. */
export const networkOf = (text: string, ipv6Prefix: number): string => {
  const address = text.includes(':') ? parseV6(text) : undefined;
  if (address === undefined) return text;
  return isV4(address) ? shownV4(address) : shownV6(masked(address, ipv6Prefix), ipv6Prefix);
};

const shownV4 = ([, , , , , , high = 0, low = 0]: Address): string =>
  [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The groups that the prefix reaches into, and its length unless it is the usual one. */
const shownV6 = (address: Address, prefix: number): string => {
  const groups = address.slice(0, Math.ceil(prefix / 16)).map((group) => group.toString(16));
  return groups.join(':') + (prefix === USUAL_PREFIX ? '' : `/${prefix}`);
};

/**
 * Every client of a network, as an address of it; undefined where it has more than `most`, or is less than one client.
 * @param ipv6Prefix bits of an IPv6 address that count as one client.
 */
export const clientsOf = (
  { address, prefix }: Network,
  ipv6Prefix: number,
  most: number,
): readonly string[] | undefined => {
  const unit = isV4(address) ? 128 : ipv6Prefix;
  const count = 2 ** (unit - prefix);
  if (count < 1 || count > most) return undefined;
  const step = 1n << BigInt(128 - unit);
  return Array.from({ length: count }, (_, index) => written(numberOf(address) + BigInt(index) * step));
};

const numberOf = (address: Address): bigint =>
  address.reduce((number, group) => (number << 16n) + BigInt(group), 0n);

/** With all eight groups. */
const written = (number: bigint): string =>
  Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');
