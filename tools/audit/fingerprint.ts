// What a client can tell two responses apart by, once what differs in every response anyway is masked. Pure.
import type { Exchange } from './http/client.ts';

/** Headers that differ between any two responses, that count something for the client's address, or follow from the body. */
const VOLATILE =
  /^(date|content-length|age|expires|etag|set-cookie|cf-ray|traceparent|server-timing|x-runtime|x-response-time|connection|keep-alive|retry-after|(x-)?rate-?limit.*|.*-(request|trace|correlation)-?id|(request|trace|correlation)-id)$/i;

/** UUIDs, ISO times, long hexadecimal ids, epoch times. */
const IDS =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?|\b[0-9a-f]{16,}\b|\b\d{10,}\b/gi;

/** Status line, headers in order and body, as one text. */
export const fingerprint = ({ status, headers, body }: Exchange): string =>
  [
    String(status),
    ...headers.filter(([name]) => !VOLATILE.test(name)).map(([name, value]) => `${name}: ${masked(value)}`),
    '',
    masked(body),
  ].join('\n');

const masked = (text: string): string => text.replace(IDS, '<id>');

/**
 * A fingerprint without what two answers to the same request differ in: ids of a kind that no pattern knows, counts, times.
 * Where their bodies are not of the same number of words, the bodies stay as they are.
 */
export const fingerprintBut = (one: Exchange, again: Exchange): ((exchange: Exchange) => string) => {
  const values = (exchange: Exchange, name: string) =>
    exchange.headers.filter(([key]) => key === name).map(([, value]) => masked(value));
  const names = new Set([...one.headers, ...again.headers].map(([name]) => name));
  const unsteady = [...names].filter((name) => String(values(one, name)) !== String(values(again, name)));
  const [words, others] = [wordsOf(one.body), wordsOf(again.body)];
  const places = words.length === others.length ? words.map((word, i) => word !== others[i]) : [];
  const steadied = (body: string) => {
    const all = wordsOf(body);
    return all.length === places.length ? all.map((word, i) => (places[i] ? '<id>' : word)).join('') : body;
  };
  return (exchange) =>
    fingerprint({
      ...exchange,
      headers: exchange.headers.filter(([name]) => !unsteady.includes(name)),
      body: steadied(exchange.body),
    });
};

/** Words and what stands between them. */
const wordsOf = (text: string): string[] => masked(text).split(/([^\w.+/=-]+)/);

/** The first line in which two fingerprints differ. */
export const firstDifference = (one: string, other: string): string => {
  const [a, b] = [one.split('\n'), other.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  const i = at === -1 ? a.length : at;
  return `${excerpt(a[i])} against ${excerpt(b[i])}`;
};

const EXCERPT = 100;

/** A short, harmless piece of a response: no token, no control characters. */
export const excerpt = (text: string | undefined): string => {
  if (text === undefined) return 'nothing';
  const clean = text
    .replace(/[\w-]+\.[\w-]{8,}\.[\w-]*|eyJ[\w-]{8,}/g, '<token>')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return `“${clean.length > EXCERPT ? `${clean.slice(0, EXCERPT)}…` : clean}”`;
};
