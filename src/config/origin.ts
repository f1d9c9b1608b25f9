// Where requests go.

import { SECRET_BYTES } from './settings.ts';
import type { OriginConfig } from './types.ts';
import { urlIssue } from './urls.ts';
import type { Vars } from './vars.ts';

export const readOrigin = (vars: Vars): OriginConfig => {
  const text = vars.text('ORIGIN_URL');
  const issue = text && urlIssue(text, { httpsOnly: false, query: false });
  if (issue) vars.fail('ORIGIN_URL', issue.expected, issue.got);
  return {
    url: (text && URL.parse(text)) || undefined,
    timeoutMs: vars.integer('ORIGIN_TIMEOUT_MS'),
    secret: vars.secret('ORIGIN_SECRET', SECRET_BYTES.ORIGIN_SECRET, true),
    forwardAuthorization: vars.choice('FORWARD_AUTHORIZATION') === 'true',
  };
};
