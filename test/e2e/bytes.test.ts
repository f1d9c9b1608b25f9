// Refused tokens, byte for byte: whatever was wrong, nobody can read it from the answer.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badTokens, missingTokens } from '../fixtures/bad-tokens.ts';
import { IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { type RawResponse, rawRequest } from '../fixtures/raw-http.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

let provider: IdentityProvider;
let origin: Origin;
let weir: Weir;

beforeAll(async () => {
  [provider, origin] = await Promise.all([IdentityProvider.start(), startOrigin()]);
  weir = await startWeir({
    vars: {
      ORIGIN_URL: origin.url,
      ...provider.vars,
      JWT_TYP: 'at+jwt',
    },
  });
});
afterAll(async () => {
  await Promise.all([weir.close(), provider.stop(), origin.close()]);
});

/** Everything that is the same by nature, taken away: the date and the request id. */
const comparable = ({ status, headers, body }: RawResponse): string => {
  const kept = headers.filter(([name]) => !/^(date|x-request-id|cf-ray)$/i.test(name));
  return JSON.stringify({ status, headers: kept, body });
};

const address = (i: number): string => `CF-Connecting-IP: 198.51.100.${i}`;

describe('a refused token', () => {
  test('gets the same bytes, whatever is wrong with it', async () => {
    const kinds = await badTokens(provider);
    expect(kinds.length).toBeGreaterThanOrEqual(30);
    const answers = new Map<string, string[]>();
    for (const [i, { kind, lines }] of kinds.entries()) {
      const answer = comparable(await rawRequest(weir.url, [...lines, address(i)]));
      answers.set(answer, [...(answers.get(answer) ?? []), kind]);
    }
    expect([...answers.values()]).toEqual([kinds.map(({ kind }) => kind)]);
    const [answer = ''] = answers.keys();
    expect(JSON.parse(answer)).toMatchObject({
      status: 401,
      body: JSON.stringify({ type: 'about:blank', title: 'Unauthorized', status: 401 }),
    });
    expect(answer).toContain(`Bearer realm=\\"${new URL(weir.url).host}\\", error=\\"invalid_token\\"`);
  });

  test('and a missing one differ in the error code alone', async () => {
    const refused = comparable(await rawRequest(weir.url, ['Authorization: Bearer x']));
    for (const { kind, lines } of missingTokens) {
      const answer = comparable(await rawRequest(weir.url, lines));
      expect(answer, kind).toBe(refused.replace(', error=\\"invalid_token\\"', ''));
    }
  });

  test.each(['HEAD', 'POST', 'DELETE'])('gets the same bytes to %s too', async (method) => {
    const answers = await Promise.all(
      (await badTokens(provider)).map(({ lines }, i) =>
        rawRequest(weir.url, [...lines, address(i), 'Content-Length: 0'], { method }),
      ),
    );
    expect(new Set(answers.map(comparable)).size).toBe(1);
  });

  test('reaches neither the origin nor a Limiter', async () => {
    expect(origin.count).toBe(0);
    expect(await weir.limiterIds()).toEqual([]);
  });

  test('leaves no text of its own in the logs', async () => {
    const logs = weir
      .logs()
      .map(({ message }) => message)
      .join('\n');
    for (const { lines } of await badTokens(provider)) {
      for (const part of lines
        .join('.')
        .split(/[ .]/)
        .filter((text) => text.length > 20)) {
        expect(logs).not.toContain(part.slice(0, 40));
      }
    }
    expect(logs).not.toContain('alice');
  });

  test('does not stop the next good one', async () => {
    const token = await provider.token('alice');
    const response = await weir.fetch('/echo', { headers: { Authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    expect(origin.count).toBe(1);
  });
});

describe('a refused token from another source', () => {
  test('gets the same bytes, whatever is wrong with it and wherever it stood', async () => {
    const elsewhere = await startWeir({
      vars: {
        ORIGIN_URL: origin.url,
        ...provider.vars,
        REQUIRED_CLAIMS: { client_id: ['alice'] },
        TOKEN_SOURCES: 'header:X-Token, cookie:session, query:token',
      },
    });
    const placed: ((token: string) => { lines: string[]; path: string })[] = [
      (token) => ({ lines: [`X-Token: ${token}`], path: '/' }),
      (token) => ({ lines: [`Cookie: session=${token}`], path: '/' }),
      (token) => ({ lines: [], path: `/?token=${encodeURIComponent(token)}` }),
    ];
    const another = await provider.sign({ ...provider.goodClaims(), client_id: 'another' });
    const bad = (await badTokens(provider)).flatMap(
      ({ lines }) => /^Authorization: Bearer (\S+)$/.exec(lines.join())?.[1] ?? [],
    );
    // A cookie's value may stand in quotes, so that one is a good token.
    const fitting = bad.filter((each) => each.length < 20_000 && !each.startsWith('"'));
    const answers = new Set<string>();
    let i = 0;
    for (const token of [another, ...fitting])
      for (const place of placed) {
        const { lines, path } = place(token);
        const caller = `CF-Connecting-IP: 203.0.113.${i++ % 250}`;
        answers.add(comparable(await rawRequest(elsewhere.url, [...lines, caller], { path })));
      }
    expect(i).toBeGreaterThan(100);
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('invalid_token');
    const token = await provider.token('alice');
    for (const place of placed) {
      const { lines, path } = place(token);
      expect((await rawRequest(elsewhere.url, lines, { path })).status).toBe(200);
    }
    const logs = elsewhere
      .logs()
      .map(({ message }) => message)
      .join('\n');
    for (const each of [another, token, ...bad].filter(({ length }) => length > 40))
      expect(logs).not.toContain(each.slice(0, 40));
    await elsewhere.close();
  });
});
