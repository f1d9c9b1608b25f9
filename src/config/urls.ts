// What a URL in a var must look like. Messages never quote credentials or a query.
import type { Issue } from '../lib/issue.ts';
import { isTrustworthy } from '../lib/trustworthy.ts';

interface Shape {
  /** Refuse plain http, except to this machine. */
  readonly httpsOnly: boolean;
  readonly query: boolean;
}

/** What is wrong with the URL, if anything is. */
export const urlIssue = (text: string, { httpsOnly, query }: Shape): Issue | undefined => {
  const url = URL.parse(text);
  const fits =
    url !== null &&
    (isTrustworthy(url) || (!httpsOnly && url.protocol === 'http:')) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    (query || url.search === '');
  if (fits) return undefined;
  const parts = query ? 'credentials or fragment' : 'credentials, query or fragment';
  const expected = `${httpsOnly ? 'an https' : 'an http or https'} URL without ${parts}`;
  return { expected, got: /[@?#]/.test(text) ? undefined : text };
};
