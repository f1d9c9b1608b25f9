// Reads one issuer, from the single-issuer vars or an entry of `ISSUERS`: its names, keys, algorithms and required claims.
import { type Issue, oneOf } from '../lib/issue.ts';
import { readRequiredClaims } from './claims.ts';
import { readSpellings } from './issuer-name.ts';
import { readPublicKey } from './public-key.ts';
import { readSecrets } from './secret.ts';
import { ALGORITHMS, type Family } from './settings.ts';
import type { Issuer, KeySource } from './types.ts';
import { urlIssue } from './urls.ts';
import type { Vars } from './vars.ts';

export const readIssuer = (vars: Vars): Issuer => {
  const [issuer, ...spellings] = readSpellings(vars);
  const wanted = vars.list('algorithms');
  const keys = readKeys(vars, [issuer ?? '', ...spellings], wanted);
  return {
    issuer,
    spellings,
    audience: vars.list('audience') ?? [],
    claims: readRequiredClaims(vars, 'claims'),
    algorithms: readAlgorithms(vars, wanted, new Set(keys.map(familyOf))),
    typ: readTyp(vars),
    keys,
  };
};

/** RFC 7515 section 4.1.9: a media type, its `application/` optional. */
const readTyp = (vars: Vars): string | undefined => {
  const typ = vars.text('typ');
  if (typ !== undefined && !/^[\w.+-]+(\/[\w.+-]+)?$/.test(typ))
    vars.fail('typ', 'a media type such as `at+jwt`', typ);
  return typ;
};

/** The family of algorithms that a source's keys are for. */
export const familyOf = ({ kind }: KeySource): Family => (kind === 'secret' ? 'secret' : 'public');

/** Public keys from one kind of source, and a secret; discovery where there is neither. */
const readKeys = (
  vars: Vars,
  names: readonly string[],
  algorithms: readonly string[] = [],
): readonly KeySource[] => {
  const secret = readSecrets(vars, algorithms);
  const keys = [...readKeySets(vars), ...readPublicKeys(vars), ...(secret ? [secret] : [])];
  const urls = keys.some(({ kind }) => kind === 'jwks');
  if (urls && keys.some(({ kind }) => kind === 'public'))
    vars.fail('public_key', `no key source beside \`${vars.nameOf('jwks_url')}\``);
  checkSeparate(vars, keys);
  return keys.length > 0 ? keys : [readDiscovery(vars, names)];
};

/** One URL, or several separated by commas: a comma inside a URL is not followed by `http`. */
const readKeySets = (vars: Vars): readonly KeySource[] => {
  const value = vars.raw('jwks_url');
  const urls = Array.isArray(value) ? value.map(String) : vars.text('jwks_url')?.split(/\s*,\s*(?=https?:)/);
  return (urls ?? []).map((url) => {
    fail(vars, 'jwks_url', urlIssue(url, { httpsOnly: true, query: true }));
    return { kind: 'jwks', url };
  });
};

const readPublicKeys = (vars: Vars): readonly KeySource[] => {
  const value = vars.raw('public_key');
  if (value === undefined) return [];
  const key = readPublicKey(value);
  if (typeof key === 'string') return [{ kind: 'public', key }];
  fail(vars, 'public_key', key);
  return [{ kind: 'public', key: '' }];
};

const readDiscovery = (vars: Vars, [issuer = '', ...spellings]: readonly string[]): KeySource => {
  if (urlIssue(issuer, { httpsOnly: true, query: false }))
    vars.fail('issuer', 'an https URL to discover its keys from, or a key source', issuer);
  return { kind: 'discovery', issuer, accepted: [issuer, ...spellings] };
};

/** A public key must not be a secret as well: whoever knows it could sign. */
const checkSeparate = (vars: Vars, keys: readonly KeySource[]): void => {
  const published = keys.flatMap((source) => (source.kind === 'public' ? source.key.trim() : []));
  const secrets = keys.flatMap((source) => (source.kind === 'secret' ? source.secrets : []));
  if (secrets.some((secret) => published.includes(secret.reveal().trim())))
    vars.fail('secret', `another key than \`${vars.nameOf('public_key')}\``);
};

const fail = (vars: Vars, part: string, issue: Issue | undefined): void => {
  if (issue) vars.fail(part, issue.expected, issue.got);
};

const WORDS: Readonly<Record<Family, string>> = { secret: 'a secret', public: 'public keys' };

/**
 * RFC 8725 section 3.1: the verifier says which algorithms it accepts. If HS* were accepted with a public key, anyone who has
 * the key could sign.
 */
const readAlgorithms = (
  vars: Vars,
  wanted: readonly string[] | undefined,
  families: ReadonlySet<Family>,
): readonly string[] => {
  const used = [...families].map((family) => ({ words: WORDS[family], ...ALGORITHMS[family] }));
  const known = used.flatMap((family) => family.known);
  const expected = `${oneOf(known)}, the algorithms of ${used.map(({ words }) => words).join(' and ')}`;
  for (const algorithm of wanted ?? [])
    if (!known.includes(algorithm)) vars.fail('algorithms', expected, algorithm);
  const unused = used.find((family) => wanted && !family.known.some((each) => wanted.includes(each)));
  if (used.length > 1 && unused)
    vars.fail('algorithms', `one of ${unused.words} too: ${oneOf(unused.known)}`);
  return wanted ?? used.flatMap(({ usual }) => usual);
};
