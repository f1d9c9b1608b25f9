// Where requests go.

import { SECRET_BYTES } from './settings.ts';
import type { OriginConfig } from './types.ts';
import { urlMisfit } from './urls.ts';
import type { Vars } from './vars.ts';

export const readOrigin = (vars: Vars): OriginConfig => {
  const text = vars.text('ORIGIN_URL');
  const misfit = text && urlMisfit(text, { httpsOnly: false, query: false });
  if (misfit) vars.fail('ORIGIN_URL', misfit.expected, misfit.got);
  return {
    url: (text && URL.parse(text)) || undefined,
    timeoutMs: vars.integer('ORIGIN_TIMEOUT_MS'),
    secret: vars.secret('ORIGIN_SECRET', SECRET_BYTES.ORIGIN_SECRET, true),
    forwardAuthorization: vars.choice('FORWARD_AUTHORIZATION') === 'true',
  };
};
