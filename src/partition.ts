// Partitions: whom a counter belongs to. The one place where their keys are built.
import { hex } from './lib/encoding.ts';

/** The quota of a verified subject. Issuers cannot collide: the parts stand in a JSON array. */
export const subjectPartition = (issuer: string, subject: string): string =>
  JSON.stringify(['subject', issuer, subject]);

/** The quota of a client address, IPv6 by its /64; all without an address share one. */
export const addressPartition = (address: string | undefined): string =>
  JSON.stringify(['address', address === undefined ? '' : network(address)]);

/** Of whoever sends this, as Cloudflare saw it; nothing else that names an address can be trusted. */
export const callerPartition = ({ headers }: Request): string =>
  addressPartition(headers.get('CF-Connecting-IP') ?? undefined);

/** The quota of all callers together. */
export const globalPartition = JSON.stringify(['global']);

/** `subject`, `address`, or what else a partition is of. */
export const partitionKind = (partition: string): string => String(JSON.parse(partition)[0]);

/** Name of a partition's Limiter: SHA-256 in hex, so that no personal data stands in names. */
export const limiterName = async (partition: string): Promise<string> => {
  return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(partition)));
};

/** IPv4 as it is; IPv6 as its first 64 bits, since one client commonly holds a whole /64. */
const network = (address: string): string => {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const right = tail === '' ? [] : tail.split(':');
    const width = tail.includes('.') ? 7 : 8;
    left.push(...Array(Math.max(0, width - left.length - right.length)).fill('0'), ...right);
  }
  return left
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
};
