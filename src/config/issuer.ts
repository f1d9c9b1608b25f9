// One issuer from what says whom to trust, wherever that stood: its keys, algorithms and `typ`.

import { type Issue, oneOf } from '../lib/issue.ts';
import type { Secret } from '../lib/secret.ts';
import { isPublicKey, publicKeyText } from './public-key.ts';
import { ALGORITHMS, SECRETS } from './settings.ts';
import type { Issuer, KeySource } from './types.ts';
import { urlIssue } from './urls.ts';
import type { Vars } from './vars.ts';

export const readIssuer = (vars: Vars): Issuer => {
  const issuer = vars.text('issuer');
  const wanted = vars.list('algorithms');
  const typ = vars.text('typ');
  const keys = readKeys(vars, issuer, wanted);
  // RFC 7515 section 4.1.9: a media type, its `application/` optional.
  if (typ !== undefined && !/^[\w.+-]+(\/[\w.+-]+)?$/.test(typ))
    vars.fail('typ', 'a media type such as `at+jwt`', typ);
  return {
    issuer,
    audience: vars.list('audience') ?? [],
    algorithms: readAlgorithms(vars, wanted, keys.kind),
    typ,
    keys,
  };
};

/** What holds the keys of each kind of source. */
const PARTS: Readonly<Record<KeySource['kind'], string>> = {
  jwks: 'jwks_url',
  public: 'public_key',
  secret: 'secret',
  discovery: 'issuer',
};

const readKeys = (vars: Vars, issuer = '', algorithms: readonly string[] = []): KeySource => {
  const url = vars.text(PARTS.jwks);
  const key = publicKeyText(vars.raw(PARTS.public));
  const secrets = readSecrets(vars, algorithms);
  const given: KeySource[] = [];
  if (url !== undefined) given.push({ kind: 'jwks', url });
  if (key !== undefined) given.push({ kind: 'public', key });
  if (secrets !== undefined) given.push({ kind: 'secret', secrets });
  const [keys = { kind: 'discovery', issuer }, ...more] = given;
  const part = PARTS[keys.kind];
  for (const { kind } of more) vars.fail(PARTS[kind], `no key source beside \`${vars.nameOf(part)}\``);
  const issue = keyIssue(keys);
  if (issue) vars.fail(part, issue.expected, issue.got);
  return keys;
};

/** The current secret first; undefined where none is set. Each must do for every algorithm it may be used with. */
const readSecrets = (vars: Vars, algorithms: readonly string[]): readonly Secret[] | undefined => {
  // RFC 7518 section 3.2: as long as the hash, whose bits are in the name, at least.
  const used = ALGORITHMS.secret.known.filter((algorithm) => algorithms.includes(algorithm));
  const minBytes = Math.max(
    SECRETS.JWT_SECRET.minBytes,
    ...used.map((algorithm) => Number(algorithm.slice(2)) / 8),
  );
  const current = vars.secret('secret', { minBytes, visible: false });
  const previous = vars.secret('secret_previous', { minBytes, visible: false });
  // One that was refused is none to verify with, but the source is named all the same.
  if (vars.raw('secret') !== undefined) return [current, previous].filter((each) => each !== undefined);
  if (previous !== undefined) vars.fail('secret_previous', `\`${vars.nameOf('secret')}\` beside it`);
};

const keyIssue = (keys: KeySource): Issue | undefined => {
  if (keys.kind === 'jwks') return urlIssue(keys.url, { httpsOnly: true, query: true });
  if (keys.kind === 'public')
    return isPublicKey(keys.key) ? undefined : { expected: 'public keys alone: PEM, a JWK or a JWKS' };
  if (keys.kind === 'secret' || !urlIssue(keys.issuer, { httpsOnly: true, query: false })) return undefined;
  return { expected: 'an https URL to discover its keys from, or a key source', got: keys.issuer };
};

/** RFC 8725 section 3.1: the verifier sets them. Were HS* taken with a public key, anyone who has it could sign. */
const readAlgorithms = (
  vars: Vars,
  wanted: readonly string[] | undefined,
  source: KeySource['kind'],
): readonly string[] => {
  const isSecret = source === 'secret';
  const { known, usual } = isSecret ? ALGORITHMS.secret : ALGORITHMS.public;
  const keys = isSecret ? 'a secret' : 'public keys';
  for (const algorithm of wanted ?? [])
    if (!known.includes(algorithm))
      vars.fail('algorithms', `${oneOf(known)}, the algorithms of ${keys}`, algorithm);
  return wanted ?? usual;
};
