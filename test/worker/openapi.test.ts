import { expect, it } from 'vitest';
import { openapiDocument } from '../../src/admin/document.ts';
import written from '../../src/admin/openapi.json' with { type: 'json' };

it('the OpenAPI document is what the admin app’s routes and schemas make; if not, run `npm run openapi`', () => {
  expect(written).toEqual(JSON.parse(openapiDocument()));
});
