// Where requests go.
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
    uploadIdleMs: vars.integer('UPLOAD_IDLE_TIMEOUT_MS'),
    secret: vars.secretVar('ORIGIN_SECRET'),
    forwardAuthorization: vars.choice('FORWARD_AUTHORIZATION') === 'true',
  };
};
