// `RESPONSES`: an operator's own bodies for refusals. They are static, so that no two refusals of one status differ.
import { oneOf } from '../lib/issue.ts';
import { table, tableOf, text } from '../lib/shape.ts';
import type { OwnBody } from './types.ts';
import type { Vars } from './vars.ts';

/** Statuses that Weir itself answers callers with. */
const STATUSES = ['400', '401', '403', '429', '500', '502', '503', '504'];

/** Characters of a body; a var has at most 5 KB. */
const MAX_BODY = 4_096;

const RESPONSES = tableOf(table({ type: text, body: text }));

export const readResponses = (vars: Vars): ReadonlyMap<number, OwnBody> => {
  const entries = Object.entries(vars.structured('RESPONSES', RESPONSES) ?? {});
  for (const [status, { type, body }] of entries) {
    const at = `RESPONSES.${status}`;
    if (!STATUSES.includes(status)) vars.fail(at, `a status of ours: ${oneOf(STATUSES)}`, status);
    if (!/^[\w.+-]+\/[\w.+-]+(; *charset=[\w-]+)?$/i.test(type))
      vars.fail(`${at}.type`, 'a media type such as `text/html; charset=utf-8`', type);
    if (body.length > MAX_BODY) vars.fail(`${at}.body`, `at most ${MAX_BODY} characters`, body.length);
  }
  return new Map(entries.map(([status, own]) => [Number(status), own]));
};
