// The secrets that tokens are signed with.
import { fromBase64 } from '../lib/encoding.ts';
import { Secret } from '../lib/secret.ts';
import { ALGORITHMS, CHOICES, SECRETS } from './settings.ts';
import type { KeySource, SecretEncoding } from './types.ts';
import type { Vars } from './vars.ts';

type SecretSource = Extract<KeySource, { kind: 'secret' }>;

/** The current secret first; undefined where none is set. Each must be long enough for every algorithm it may be used with. */
export const readSecrets = (vars: Vars, algorithms: readonly string[]): SecretSource | undefined => {
  // RFC 7518 section 3.2: at least as long as the hash, whose bits are in the name.
  const used = ALGORITHMS.secret.known.filter((algorithm) => algorithms.includes(algorithm));
  const minBytes = Math.max(
    SECRETS.JWT_SECRET.minBytes,
    ...used.map((algorithm) => Number(algorithm.slice(2)) / 8),
  );
  const encoding = vars.word('secret_encoding', CHOICES.JWT_SECRET_ENCODING) ?? 'utf8';
  const [current, previous] = ['secret', 'secret_previous'].map((name) =>
    readSecret(vars, name, encoding, minBytes),
  );
  if (vars.raw('secret') === undefined) {
    if (previous !== undefined) vars.fail('secret_previous', `\`${vars.nameOf('secret')}\` beside it`);
    return undefined;
  }
  // A refused secret is left out, but the source stays: the message about it is enough.
  return { kind: 'secret', secrets: [current, previous].filter((each) => each !== undefined), encoding };
};

const readSecret = (
  vars: Vars,
  name: string,
  encoding: SecretEncoding,
  minBytes: number,
): Secret | undefined => {
  if (encoding === 'utf8') return notKey(vars, name, vars.secret(name, { minBytes, visible: false }));
  const text = vars.secret(name, { minBytes: 0, visible: false })?.reveal().trim();
  if (text === undefined) return undefined;
  const bytes = fromBase64(text, encoding);
  if (bytes === undefined) return vars.fail(name, `${encoding} of the secret's bytes`);
  return bytes.length < minBytes
    ? vars.fail(name, `at least ${minBytes} bytes`, bytes.length)
    : new Secret(text);
};

/** A key in PEM or JSON is not the bytes of a secret, and often not secret at all. */
const notKey = (vars: Vars, name: string, secret: Secret | undefined): Secret | undefined =>
  secret !== undefined && /^\s*(-----BEGIN |\{\s*")/.test(secret.reveal())
    ? vars.fail(name, 'the secret itself, not a key in PEM or JSON')
    : secret;
