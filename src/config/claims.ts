// Claim paths, what claims must say, and the headers that carry claims to the origin.
import { unknown } from 'valibot';
import { isScalar, isTable, type Table } from '../lib/json.ts';
import { tableOf } from '../lib/shape.ts';
import { HEADER_NAME } from './settings.ts';
import type { ClaimHeader, ClaimPath, RequiredClaim } from './types.ts';
import type { Vars } from './vars.ts';

/** Fields that no claim may set: framing, routing and credentials, and what only Weir or Cloudflare sets. */
const TAKEN =
  /^(authorization|connection|content-.*|cookie|expect|forwarded|host|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|cf-.*|sec-.*|true-client-ip|x-forwarded-(for|host|port|proto)|x-real-ip|x-weir-.*|x-(original|rewrite)-url|x-(http-)?method(-override)?)$/;

/** `org.id` -> `['org', 'id']`. A claim whose own name has dots, such as a URI, is found all the same (`auth/claims.ts`). */
export const claimPath = (vars: Vars, variable: string, text: string): ClaimPath => {
  const path = text.split('.');
  if (path.includes('')) vars.fail(variable, 'a claim such as `sub` or `org.id`', text);
  return path;
};

/** `sub, client_id`. */
export const claimPaths = (vars: Vars, variable: 'SUBJECT_CLAIM' | 'SCOPE_CLAIM'): readonly ClaimPath[] =>
  (vars.list(variable) ?? []).map((text) => claimPath(vars, variable, text));

/** `{ client_id = "app-1", azp = ["web", "ios"] }`. A table in it is a claim that holds claims. */
export const readRequiredClaims = (vars: Vars, variable: string): readonly RequiredClaim[] => {
  const given = vars.structured(variable, tableOf(unknown())) ?? {};
  return requiredIn(vars, variable, given, []);
};

const requiredIn = (vars: Vars, variable: string, given: Table, above: ClaimPath): readonly RequiredClaim[] =>
  Object.entries(given).flatMap(([name, wanted]) => {
    const claim = [...above, ...claimPath(vars, variable, name)];
    if (isTable(wanted)) return requiredIn(vars, variable, wanted, claim);
    const values = [wanted].flat();
    if (values.length === 0 || !values.every(isScalar))
      vars.fail(`${variable}.${claim.join('.')}`, 'a string, number or boolean, or an array of them', wanted);
    return { claim, values: values.map(String) };
  });

/** `sub=X-Auth-Subject, org.id=X-Org`: each header once, whatever stands between its letters and digits, as some origins read it. */
export const readClaimHeaders = (vars: Vars): readonly ClaimHeader[] => {
  const seen = new Set<string>();
  const items = vars.list('CLAIM_HEADERS') ?? [];
  return items.flatMap((item) => {
    const [, claim, header] = /^(.+?)\s*=\s*([^=]*)$/.exec(item) ?? [];
    if (claim === undefined || header === undefined || !HEADER_NAME.test(header))
      return vars.fail('CLAIM_HEADERS', '`<claim>=<header>`', item) ?? [];
    const plain = header.toLowerCase().replace(/[^a-z0-9]/g, '-');
    if (TAKEN.test(plain)) vars.fail('CLAIM_HEADERS', 'a header of your own', header);
    if (seen.has(plain)) vars.fail('CLAIM_HEADERS', 'each header once', item);
    seen.add(plain);
    return { claim: claimPath(vars, 'CLAIM_HEADERS', claim), header };
  });
};
