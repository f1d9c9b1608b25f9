// `npm run check -- --live`: a real issuer over real HTTP, in order and out of it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { liveSources, liveText } from '../../tools/check/live.ts';
import { IdentityProvider } from '../fixtures/identity-provider.ts';

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await IdentityProvider.start();
});
afterAll(() => provider.stop());

const found = (vars: Record<string, unknown>) => liveSources(parseConfig(vars));

describe('a live look at an issuer', () => {
  test('says how many keys there are and for which algorithms', async () => {
    const [source] = await found({ JWT_ISSUER: provider.issuer });
    expect(source).toMatchObject({ source: provider.issuer, failure: undefined, leftOut: [] });
    expect(source?.algorithms).toEqual(['RS256', 'ES256']);
    expect(source?.keyCount).toBe(provider.publicKeys.length);
    expect(liveText(source ? [source] : [])).toEqual([
      `${provider.issuer}: ${provider.publicKeys.length} keys, for RS256, ES256`,
    ]);
  });

  test('says which keys are left out, and why', async () => {
    const [source] = await found({ JWT_ISSUER: provider.issuer, JWT_ALGORITHMS: 'ES256' });
    expect(source?.leftOut.length).toBeGreaterThan(0);
    expect(source?.leftOut[0]).toMatchObject({ why: 'of no accepted algorithm' });
  });

  test('names both issuers where the metadata names another', async () => {
    const { server, url } = await serve((path) =>
      path === '/.well-known/openid-configuration'
        ? { issuer: 'https://other.test', jwks_uri: '' }
        : undefined,
    );
    const [source] = await found({ JWT_ISSUER: url });
    expect(source?.failure).toBe(
      `issuer metadata at ${url}/.well-known/openid-configuration names "https://other.test", not "${url}"`,
    );
    server.close();
  });

  test('says what a key set answered', async () => {
    const { server, url } = await serve(() => undefined);
    const [source] = await found({ JWKS_URL: `${url}/keys?secret=hunter2` });
    expect(source).toMatchObject({ source: `${url}/keys`, failure: `key URL ${url}/keys answered 404` });
    server.close();
  });

  test('reads keys of a var as well, and shows no secret', async () => {
    const JWT_SECRET = 'hunter2 hunter2 hunter2 hunter2 hunter2';
    const sources = await found({ JWT_SECRET });
    expect(sources).toMatchObject([{ source: 'secret', keyCount: 1, algorithms: ['HS256'] }]);
    expect(JSON.stringify(sources)).not.toContain('hunter2');
  });
});

/** A small server of JSON documents; 404 where there is none. */
const serve = async (answer: (path: string) => unknown): Promise<{ server: Server; url: string }> => {
  const server = createServer((request, response) => {
    const body = answer(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};
