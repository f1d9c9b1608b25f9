// Claim paths, and the headers that carry claims to the origin.
import type { ClaimHeader } from './types.ts';
import type { Vars } from './vars.ts';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Framing, routing and credentials, whose meaning is not ours to change, and what only Weir or Cloudflare sets. */
const TAKEN =
  /^(authorization|connection|content-.*|cookie|expect|forwarded|host|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|cf-.*|sec-.*|true-client-ip|x-forwarded-(for|host|port|proto)|x-real-ip|x-weir-.*|x-(original|rewrite)-url|x-(http-)?method(-override)?)$/;

/** `org.id` -> `['org', 'id']`. A claim whose own name has dots, such as a URI, is found all the same (`auth/claims.ts`). */
export const claimPath = (vars: Vars, variable: string, text: string): readonly string[] => {
  const path = text.split('.');
  if (path.includes('')) vars.fail(variable, 'a claim such as `sub` or `org.id`', text);
  return path;
};

/** `sub=X-Auth-Subject, org.id=X-Org`: each header once; all but letters and digits is alike, as some origins read it. */
export const readClaimHeaders = (vars: Vars): readonly ClaimHeader[] => {
  const seen = new Set<string>();
  const items = vars.list('CLAIM_HEADERS') ?? [];
  return items.flatMap((item) => {
    const [, claim, header] = /^(.+?)\s*=\s*([^=]*)$/.exec(item) ?? [];
    if (claim === undefined || header === undefined || !TOKEN.test(header))
      return vars.fail('CLAIM_HEADERS', '`<claim>=<header>`', item) ?? [];
    const plain = header.toLowerCase().replace(/[^a-z0-9]/g, '-');
    if (TAKEN.test(plain)) vars.fail('CLAIM_HEADERS', 'a header of your own', header);
    if (seen.has(plain)) vars.fail('CLAIM_HEADERS', 'each header once', item);
    seen.add(plain);
    return { claim: claimPath(vars, 'CLAIM_HEADERS', claim), header };
  });
};
