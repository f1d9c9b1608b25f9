// What `init` writes into wrangler.jsonc.
import { describe, expect, it } from 'vitest';
import { examine } from '../../tools/check/examine.ts';
import { targetsIn } from '../../tools/check/targets.ts';
import { settingsOf } from '../../tools/init/files.ts';

const ANSWERS = {
  name: 'gateway',
  issuer: 'https://login.example.com/',
  audience: 'api',
  limits: '10/second; 1000/hour',
  origin: '',
};

describe('the settings of a new project', () => {
  it.each([
    ['api.example.com/*', 'example.com'],
    ['example.com/*', 'example.com'],
    ['*.example.com/v1/*', 'example.com'],
    ['api.eu.example.com/*', 'example.com'],
    ['example.co.uk/*', 'example.co.uk'],
    ['api.example.com.au/*', 'example.com.au'],
  ])('name the zone of %s, and check has nothing to say of them', (route, zone) => {
    const settings = settingsOf({ ...ANSWERS, route });
    expect(settings).toMatchObject({ routes: [{ pattern: route, zone_name: zone }] });
    expect(targetsIn(settings, '').flatMap((target) => examine(target).findings)).toEqual([]);
  });
});
