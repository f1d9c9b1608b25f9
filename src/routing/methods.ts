// The methods that an origin may take a request to have.

/** Rails, Symfony, Laravel and others let a POST name another method. The `_method` of a body is not looked for. */
const PARAMETER = '_method';

/** HEAD counts as GET, and a POST also as what its query's `_method` says. */
export const methodsOf = (method: string, url: string): readonly string[] => {
  if (method === 'HEAD') return ['GET'];
  if (method !== 'POST' || !/method|%/i.test(url)) return [method];
  const query = url.indexOf('?');
  if (query < 0) return [method];
  return [...new Set([method, ...overrides(new URLSearchParams(url.slice(query)))])];
};

const overrides = (query: URLSearchParams): readonly string[] =>
  [...query].filter(([name]) => spelled(name) === PARAMETER).map(([, value]) => read(value));

/** PHP takes `.method`, ` _method` and `_method[]` for `_method`. */
const spelled = (name: string): string =>
  name.trim().replace(/\[.*$/, '').replace(/[. ]/g, '_').toLowerCase();

const read = (value: string): string => {
  const method = value.trim().toUpperCase();
  return method === 'HEAD' ? 'GET' : method;
};
