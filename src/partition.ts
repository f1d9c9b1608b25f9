// Partitions: whom a counter belongs to. The one place where keys are read and partitions named, for requests, the admin
// API, `explain` and the log alike.
import type { Identity } from './identity.ts';
import { isWithin, type Network, networkOf, parseAddress, USUAL_PREFIX } from './lib/address.ts';
import { hex } from './lib/encoding.ts';

/** What a policy counts by. */
export type Key =
  /** The caller: its verified subject, else its address. */
  | { readonly kind: 'subject' }
  /** The caller, on each route by itself. */
  | { readonly kind: 'route' }
  | { readonly kind: 'address' }
  | { readonly kind: 'everyone' }
  /** A claim of the token, by its dotted path. */
  | { readonly kind: 'claim'; readonly claim: string }
  /** A `:name` of the route's own `match`. */
  | { readonly kind: 'param'; readonly name: string; readonly match: string };

export const CALLER: Key = { kind: 'subject' };
export const ADDRESS: Key = { kind: 'address' };
export const EVERYONE: Key = { kind: 'everyone' };

/** What names the partitions of a request. */
export interface Facts {
  /** Undefined for an anonymous caller. */
  readonly identity: Pick<Identity, 'partition' | 'issuer' | 'keyValues'> | undefined;
  /** The client's address, as Cloudflare saw it. */
  readonly address: string | undefined;
  /** `IPV6_PREFIX`. */
  readonly ipv6Prefix: number;
  /** The value of a `:name` of a route's `match` in the request's path, in the form that all spellings share. */
  readonly param: (key: Extract<Key, { kind: 'param' }>) => string;
}

interface KeyKind<K extends Key> {
  /** The key as the limits notation writes it after `by`, and as names of policies show it. */
  written(key: K): string;
  /** Names the partition; undefined where the caller lacks the value and so is counted as itself. */
  partition(key: K, facts: Facts): string | undefined;
  /** Whether the key means the caller's own partition: that of its verified subject, else of its address. */
  readonly ofCaller: boolean;
  /** Whether only a caller with a token can have the value. */
  readonly ofToken: boolean;
}

/** Every kind of key there is: how it is written, and whose counters it spends from. */
export const KEYS: { readonly [Kind in Key['kind']]: KeyKind<Extract<Key, { kind: Kind }>> } = {
  subject: {
    written: () => 'subject',
    partition: (_, facts) => callerOf(facts),
    ofCaller: true,
    ofToken: false,
  },
  route: { written: () => 'route', partition: (_, facts) => callerOf(facts), ofCaller: true, ofToken: false },
  address: {
    written: () => 'address',
    partition: (_, { address, ipv6Prefix }) => addressPartition(address, ipv6Prefix),
    ofCaller: false,
    ofToken: false,
  },
  everyone: {
    written: () => 'everyone',
    partition: () => globalPartition,
    ofCaller: false,
    ofToken: false,
  },
  claim: {
    written: ({ claim }) => (isKeyWord(claim) ? `claim:${claim}` : claim),
    partition({ claim }, { identity }) {
      const value = identity?.keyValues?.get(claim);
      return identity && value !== undefined ? claimPartition(identity.issuer, claim, value) : undefined;
    },
    ofCaller: false,
    ofToken: true,
  },
  param: {
    written: ({ name }) => `:${name}`,
    partition: (key, facts) => paramPartition(key.name, facts.param(key)),
    ofCaller: false,
    ofToken: false,
  },
};

/** A key's entry in `KEYS`. TypeScript cannot see that the entry takes keys of this very kind. */
const kindOf = (key: Key): KeyKind<Key> => KEYS[key.kind] as KeyKind<Key>;

/** `org.id`, `claim:address`, `:team`, `everyone`. */
export const writtenKey = (key: Key): string => kindOf(key).written(key);

/** The partition of a request's policies by `key`. */
export const partitionOf = (key: Key, facts: Facts): string =>
  kindOf(key).partition(key, facts) ?? callerOf(facts);

/** What people see as the name of a key: as the notation writes it, but `global` for `everyone`. */
export const keyLabel = (key: Key): string => (key.kind === 'everyone' ? 'global' : writtenKey(key));

/** Whether `key` means the caller itself. */
export const isOfCaller = (key: Key): boolean => kindOf(key).ofCaller;

/** Whether only a caller with a token can have what `key` means. */
export const isOfToken = (key: Key): boolean => kindOf(key).ofToken;

const callerOf = ({ identity, address, ipv6Prefix }: Facts): string =>
  identity?.partition ?? addressPartition(address, ipv6Prefix);

/** Keys of a single word, in any case: `by Everyone` must not mean a claim `Everyone`, which no token has. */
const WORDS = { subject: CALLER, route: { kind: 'route' }, address: ADDRESS, everyone: EVERYONE } as const;

const isKeyWord = (text: string): boolean => Object.hasOwn(WORDS, text.toLowerCase());

/** Printable ASCII that names of policies hold unescaped, without `=`, which separates key and value on the command line. */
const CLAIM = /^(?!:)[!#-+\-./0-9:<>-[\]-{}~]{1,100}$/;

/**
 * Parses what follows `by`; undefined where it is not a key.
 * @param match the route's pattern; undefined outside of `ROUTES`.
 */
export const readKey = (text: string, match: string | undefined): Key | undefined => {
  if (isKeyWord(text)) return WORDS[text.toLowerCase() as keyof typeof WORDS];
  if (text.startsWith(':')) return readParam(text.slice(1), match);
  const claim = text.replace(/^claim:/i, '');
  return CLAIM.test(claim) && !claim.split('.').includes('') ? { kind: 'claim', claim } : undefined;
};

const readParam = (name: string, match = ''): Key | undefined =>
  paramNames(match).includes(name) ? { kind: 'param', name, match } : undefined;

/** The `:name`s of a pattern. */
const paramNames = (match: string): readonly string[] =>
  [...match.matchAll(/(?<!\\):([A-Za-z_$][\w$]*)/g)].map(([, name = '']) => name);

/** The quota of a verified subject. Issuers cannot collide: the parts stand in a JSON array. */
export const subjectPartition = (issuer: string, subject: string): string =>
  JSON.stringify(['subject', issuer, subject]);

/** The quota of a client's network; clients without an address share one. */
export const addressPartition = (address: string | undefined, ipv6Prefix = USUAL_PREFIX): string =>
  JSON.stringify(['address', address === undefined ? '' : networkOf(address, ipv6Prefix)]);

/** The quota shared by all tokens of an issuer that hold the same value of a claim. */
export const claimPartition = (issuer: string, claim: string, value: string): string =>
  JSON.stringify(['claim', issuer, claim, value]);

/**
 * The quota of one value of a path parameter, shared by all routes that count by a parameter of that name. Longer values are told
 * apart by their first characters alone, as many as a subject may have.
 */
export const paramPartition = (name: string, value: string): string =>
  JSON.stringify(['param', name, value.slice(0, MAX_VALUE_LENGTH)]);

const MAX_VALUE_LENGTH = 1_024;

/** The quota of all callers together. */
export const globalPartition = JSON.stringify(['global']);

/** The client's address, as Cloudflare saw it; no other header that names an address can be trusted. */
export const clientAddress = ({ headers }: Request): string | undefined =>
  headers.get('CF-Connecting-IP') ?? undefined;

/** Whether an address belongs to one of these networks. */
export const isExempt = (address: string | undefined, networks: readonly Network[]): boolean => {
  const parsed = address === undefined ? undefined : parseAddress(address);
  return parsed !== undefined && networks.some((network) => isWithin(parsed, network));
};

/** The partition of the client's address. */
export const callerPartition = (request: Request, ipv6Prefix?: number): string =>
  addressPartition(clientAddress(request), ipv6Prefix);

/** What a partition belongs to: `subject`, `address`, `claim`, `param` or `global`. */
export const partitionKind = (partition: string): string => String(JSON.parse(partition)[0]);

/** Name of a partition's Limiter: SHA-256 in hex, so that names of objects hold no personal data. */
export const limiterName = async (partition: string): Promise<string> => {
  return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(partition)));
};
