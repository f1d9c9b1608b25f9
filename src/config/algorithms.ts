// Which signature algorithms are accepted: never `none`, never a shared secret's beside a public key's.
import type { KeySource } from '../config.ts';
import { oneOf } from '../schema.ts';
import { ALGORITHMS, HMAC_ALGORITHMS, PUBLIC_ALGORITHMS } from './settings.ts';
import type { Vars } from './vars.ts';

/** RFC 8725 section 3.1: the verifier sets them. Were HS* taken with a public key, anyone who has it could sign. */
export const readAlgorithms = (
  vars: Vars,
  name: string,
  wanted: readonly string[] | undefined,
  source: KeySource['kind'],
): readonly string[] => {
  const hmac = source === 'secret';
  if (wanted === undefined) return hmac ? ALGORITHMS.secret : ALGORITHMS.public;
  const known: readonly string[] = hmac ? HMAC_ALGORITHMS : PUBLIC_ALGORITHMS;
  const keys = hmac ? 'a secret' : 'public keys';
  for (const algorithm of wanted.filter((each) => !known.includes(each)))
    vars.fail(name, `${oneOf(known)}, the algorithms of ${keys}`, algorithm);
  return wanted;
};
