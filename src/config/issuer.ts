// One issuer from what says whom to trust, wherever that stood: its keys, algorithms and `typ`.
import type { Issuer, KeySource } from '../config.ts';
import type { Misfit } from '../limits.ts';
import { readAlgorithms } from './algorithms.ts';
import { publicKeyMisfit } from './public-key.ts';
import { urlMisfit } from './urls.ts';
import type { Vars } from './vars.ts';

/** What a var or an entry of `ISSUERS` said. */
export interface Fields {
  readonly issuer: string | undefined;
  readonly audience: readonly string[] | undefined;
  readonly jwksUrl: string | undefined;
  readonly publicKey: string | undefined;
  /** Empty where one is set and was refused. */
  readonly secrets: readonly string[] | undefined;
  readonly algorithms: readonly string[] | undefined;
  readonly typ: string | undefined;
}

/** What each field is called for the reader of a message. */
export type Names = Readonly<Record<Exclude<keyof Fields, 'secrets' | 'audience'>, string>>;

export const toIssuer = (vars: Vars, fields: Fields, names: Names): Issuer => {
  const keys = readKeys(vars, fields, names);
  // RFC 7515 section 4.1.9: a media type, its `application/` optional.
  if (fields.typ !== undefined && !/^[\w.+-]+(\/[\w.+-]+)?$/.test(fields.typ))
    vars.fail(names.typ, 'a media type such as `at+jwt`', fields.typ);
  return {
    issuer: fields.issuer,
    audience: fields.audience ?? [],
    algorithms: readAlgorithms(vars, names.algorithms, fields.algorithms, keys.kind),
    typ: fields.typ,
    keys,
  };
};

const readKeys = (vars: Vars, fields: Fields, names: Names): KeySource => {
  const { issuer = '', jwksUrl, publicKey, secrets } = fields;
  const given: KeySource[] = [];
  if (jwksUrl !== undefined) given.push({ kind: 'jwks', url: jwksUrl });
  if (publicKey !== undefined) given.push({ kind: 'public', key: publicKey });
  if (secrets !== undefined) given.push({ kind: 'secret', secrets });
  const [keys = { kind: 'discovery', issuer }] = given;
  for (const more of given.slice(1))
    vars.fail(nameOf(names, more), `no key source beside \`${nameOf(names, keys)}\``);
  const misfit = keyMisfit(keys);
  if (misfit) vars.fail(nameOf(names, keys), misfit.expected, misfit.got);
  return keys;
};

const nameOf = (names: Names, { kind }: KeySource): string =>
  ({ jwks: names.jwksUrl, public: names.publicKey, secret: 'JWT_SECRET', discovery: names.issuer })[kind];

const keyMisfit = (keys: KeySource): Misfit | undefined => {
  if (keys.kind === 'public') return publicKeyMisfit(keys.key);
  if (keys.kind === 'jwks') return urlMisfit(keys.url, { httpsOnly: true, query: true });
  if (keys.kind === 'secret' || !urlMisfit(keys.issuer, { httpsOnly: true, query: false })) return undefined;
  return { expected: 'an https URL to discover its keys from, or a key source', got: keys.issuer };
};
