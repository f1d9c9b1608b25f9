// Where requests go.
import type { OriginConfig } from '../config.ts';
import { SECRET_BYTES } from './settings.ts';
import { urlProblem } from './urls.ts';
import type { Vars } from './vars.ts';

export const readOrigin = (vars: Vars): OriginConfig => {
  const text = vars.text('ORIGIN_URL');
  const problem = text && urlProblem(text, { httpsOnly: false, query: false });
  if (problem) vars.fail('ORIGIN_URL', problem);
  return {
    url: (text && URL.parse(text)) || undefined,
    timeoutMs: vars.integer('ORIGIN_TIMEOUT_MS'),
    secret: vars.secret('ORIGIN_SECRET', SECRET_BYTES.ORIGIN_SECRET, true),
    forwardAuthorization: vars.choice('FORWARD_AUTHORIZATION') === 'true',
  };
};
