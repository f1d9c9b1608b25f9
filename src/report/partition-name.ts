// The name of a partition in the log and in data points: keyed, so that nobody can guess the subject or address behind it.
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { hex } from '../lib/encoding.ts';
import type { Secret } from '../lib/secret.ts';
import { callerPartition } from '../partition.ts';

/** Names kept; each saves one HMAC. */
const CAPACITY = 10_000;

/** Bytes of the HMAC that make a name. */
const NAME_BYTES = 16;

/** Whom a request is reported as: its partition, or that of its address if it was refused before any policy was considered. */
export const reportedPartition = ({ trace, request }: Exchange, { ipv6Prefix }: Config): string =>
  trace.partition ?? callerPartition(request, ipv6Prefix);

export type PartitionNamer = (partition: string) => Promise<string | undefined>;

/** HMAC-SHA-256 under `PARTITION_SECRET`, its first 16 bytes in hex; undefined where the secret is unset. */
export const partitionNamer = (secret: Secret | undefined): PartitionNamer => {
  if (secret === undefined) return async () => undefined;
  const names = new BoundedMap<string, string>(CAPACITY);
  let key: CryptoKey | undefined;
  return async function partitionName(partition) {
    const known = names.get(partition);
    if (known !== undefined) return known;
    key ??= await importSecret(secret.reveal());
    const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(partition));
    const name = hex(signature.slice(0, NAME_BYTES));
    names.set(partition, name);
    return name;
  };
};

const importSecret = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
