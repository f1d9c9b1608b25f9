// What the Worker decides about a token: its own verifier, with the keys at hand.
import { generateKeyPair } from 'jose';
import { keysOf } from '../../src/auth/keys/keys.ts';
import type { KeySet, VerificationKey } from '../../src/auth/keys/set.ts';
import type { Keys } from '../../src/auth/keys/types.ts';
import type { Reason } from '../../src/auth/reasons.ts';
import { shapeFlaw } from '../../src/auth/shape.ts';
import { type KeysOf, type Verdict, verifier } from '../../src/auth/verify.ts';
import type { Config } from '../../src/config/types.ts';
import type { Identity } from '../../src/identity.ts';

export interface Judged {
  /** Undefined where the token is refused. */
  readonly identity: Identity | undefined;
  readonly reason: Reason | undefined;
  /** Whether the signature was verified, or taken for good since the issuer's keys were not fetched. */
  readonly signature: 'verified' | 'assumed';
}

/**
 * The Worker's verdict on what a request presents as its token.
 *
 * @param live whether to fetch the issuer's keys. If not, the token counts as correctly signed: the bytes of its header and
 *   claims are signed with a key made for the purpose.
 */
export const judge = async (config: Config, token: string, live: boolean): Promise<Judged> => {
  const flaw = shapeFlaw(token);
  if (flaw !== undefined) return { identity: undefined, reason: flaw, signature: 'assumed' };
  if (live) return judgedFrom(await verdictOn(config, token, keysOf), 'verified');
  const stand = new StandIn();
  const verdict = await verdictOn(config, token, stand.keysOf);
  if (!stand.wasAsked) return judgedFrom(verdict, 'verified');
  return judgedFrom(await verdictOn(config, await resigned(token), stand.keysOf), 'assumed');
};

const verdictOn = async (config: Config, token: string, keysFrom: KeysOf): Promise<Verdict> => {
  const background: Promise<unknown>[] = [];
  const { verify } = verifier(config, keysFrom);
  const verdict = await verify(
    token,
    (work) => background.push(work),
    (work) => work(),
  );
  await Promise.allSettled(background);
  return verdict;
};

const judgedFrom = (verdict: Verdict, signature: Judged['signature']): Judged => {
  switch (verdict.kind) {
    case 'verified':
      return { identity: verdict.identity, reason: undefined, signature };
    case 'refused':
      return { identity: undefined, reason: verdict.reason, signature };
    case 'no_keys':
      return { identity: undefined, reason: 'keys_unavailable', signature };
    case 'gated':
      return { identity: undefined, reason: 'auth_failures', signature };
  }
};

/** Replaces keys that would have to be fetched by a key of our own for every algorithm. */
class StandIn {
  wasAsked = false;

  /** Keys that the configuration holds are its own. */
  readonly keysOf: KeysOf = (sources, algorithms) => {
    const isRemote = sources.some(({ kind }) => kind === 'jwks' || kind === 'discovery');
    return isRemote ? this.#keysFor(algorithms) : keysOf(sources, algorithms);
  };

  #keysFor(algorithms: readonly string[]): Keys {
    return {
      current: () => {
        this.wasAsked = true;
        return keySetFor(algorithms);
      },
      retryAfterMs: () => 0,
      states: () => [],
    };
  }
}

const keySetFor = async (algorithms: readonly string[]): Promise<KeySet> =>
  Promise.all(
    algorithms.map(async (alg): Promise<VerificationKey> => {
      const { publicKey } = await pairFor(alg);
      return { kid: undefined, alg, key: publicKey, id: alg, trusted: true };
    }),
  );

const pairs = new Map<string, Promise<{ publicKey: CryptoKey; privateKey: CryptoKey }>>();

/** One for each algorithm, since an RSA key takes a while to make. */
const pairFor = (alg: string) => {
  const pair = pairs.get(alg) ?? generateKeyPair(alg);
  pairs.set(alg, pair);
  return pair;
};

/** The same header and claims, byte for byte, under a signature of ours. */
const resigned = async (token: string): Promise<string> => {
  const input = token.slice(0, token.lastIndexOf('.'));
  const { alg } = JSON.parse(Buffer.from(input.split('.')[0] ?? '', 'base64url').toString());
  const { privateKey } = await pairFor(alg);
  const signature = await crypto.subtle.sign(signingOf(alg), privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
};

const signingOf = (alg: string) => {
  const bits = Number(alg.slice(2));
  if (alg.startsWith('ES')) return { name: 'ECDSA', hash: `SHA-${bits}` };
  if (alg.startsWith('PS')) return { name: 'RSA-PSS', saltLength: bits / 8 };
  return { name: alg.startsWith('RS') ? 'RSASSA-PKCS1-v1_5' : 'Ed25519' };
};
