// The one host that the audit may speak to, its address looked up once so that no later answer of the DNS moves it.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

export interface Target {
  readonly url: URL;
  /** Every connection goes to this address. */
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  /** Path and query as given. */
  readonly path: string;
  readonly loopback: boolean;
}

/** @throws {TypeError} for anything but an http(s) URL. */
export const resolveTarget = async (text: string): Promise<Target> => {
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError('expected an http or https URL');
  const address = await addressOf(url.hostname.replace(/^\[|\]$/g, ''));
  const secure = url.protocol === 'https:';
  return {
    url,
    address,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    path: url.pathname + url.search,
    loopback: isLoopback(address),
  };
};

const addressOf = async (hostname: string): Promise<string> =>
  isIP(hostname) > 0 ? hostname : (await lookup(hostname)).address;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

const isLoopback = (address: string): boolean =>
  loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
