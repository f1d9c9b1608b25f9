// An issuer that rotates, stops, stalls and lies: good tokens keep working, and it is asked no more than it must be.
import { describe, expect, test } from 'vitest';
import { AUDIENCE, type Fault, IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

/** An issuer, an origin and Weir between them, all of one test. */
class World implements AsyncDisposable {
  readonly provider: IdentityProvider;
  readonly #origin: Origin;
  readonly #weir: Weir;

  private constructor(provider: IdentityProvider, origin: Origin, weir: Weir) {
    this.provider = provider;
    this.#origin = origin;
    this.#weir = weir;
  }

  static async start({ isolates = 1, discovery = false } = {}): Promise<World> {
    const [provider, origin] = await Promise.all([IdentityProvider.start(), startOrigin()]);
    const keys = discovery ? {} : { JWKS_URL: provider.jwksUrl };
    const tokens = { JWT_PUBLIC_KEY: '', JWT_ISSUER: provider.issuer, JWT_AUDIENCE: AUDIENCE };
    const vars = { ORIGIN_URL: origin.url, LIMITS: '100000/minute', ...tokens, ...keys };
    return new World(provider, origin, await startWeir({ isolates, vars }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.#weir.close(),
      this.provider.stop().catch(() => undefined),
      this.#origin.close(),
    ]);
  }

  async call(token: string | Promise<string>, { isolate = 0, signal }: Call = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${await token}` };
    return fetch(`${this.#weir.urls[isolate]}/echo`, { headers, ...(signal ? { signal } : {}) });
  }

  async statusOf(token: string | Promise<string>, call: Call = {}): Promise<number> {
    return (await this.call(token, call)).status;
  }

  statusesOf(tokens: readonly Promise<string>[]): Promise<number[]> {
    return Promise.all(tokens.map((token) => this.statusOf(token)));
  }

  /** Signed by the provider's own key, without asking it; each one is new to Weir. */
  goodToken(): Promise<string> {
    return this.provider.sign(this.provider.goodClaims());
  }

  goodTokens(): Promise<string>[] {
    return times(20, () => this.goodToken());
  }

  tokensOfUnknownKeys(): Promise<string>[] {
    return times(20, () => this.provider.sign(this.provider.goodClaims(), { kid: crypto.randomUUID() }));
  }
}

interface Call {
  readonly isolate?: number;
  readonly signal?: AbortSignal;
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

const all = (status: number): number[] => Array(20).fill(status);

describe.concurrent('an issuer', () => {
  test('that works is asked once, by a hundred first requests at the same moment', async () => {
    await using world = await World.start();
    const { provider } = world;
    const tokens = await Promise.all([provider.token('alice', 'RS256'), provider.token('bob', 'ES256')]);
    const statuses = await Promise.all(
      times(50, () => tokens)
        .flat()
        .map((token) => world.statusOf(token)),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(provider.keyRequests).toBe(1);
  });

  test('is asked once by two isolates of one data centre', async () => {
    await using world = await World.start({ isolates: 2 });
    expect(await world.statusOf(world.goodToken(), { isolate: 0 })).toBe(200);
    expect(await world.statusOf(world.goodToken(), { isolate: 1 })).toBe(200);
    expect(world.provider.keyRequests).toBe(1);
  });

  test('is found by discovery', async () => {
    await using world = await World.start({ discovery: true });
    expect(await world.statusesOf(world.goodTokens())).toEqual(all(200));
    expect(world.provider.documentRequests).toBe(2);
  });

  test('that adds a key is asked once more, and the tokens of both keys work', async () => {
    await using world = await World.start();
    const [cached, fresh] = await Promise.all([world.goodToken(), world.goodToken()]);
    expect(await world.statusOf(cached)).toBe(200);
    await world.provider.rotate(true);
    expect(await world.statusesOf(world.goodTokens())).toEqual(all(200));
    expect([await world.statusOf(cached), await world.statusOf(fresh)]).toEqual([200, 200]);
    expect(world.provider.keyRequests).toBe(2);
  });

  test('that removes a key takes its tokens with it, cached ones too, at the next refresh', async () => {
    await using world = await World.start();
    const [cached, fresh] = await Promise.all([world.goodToken(), world.goodToken()]);
    expect(await world.statusOf(cached)).toBe(200);
    await world.provider.rotate();
    expect(await world.statusOf(cached)).toBe(200);
    expect(await world.statusOf(world.goodToken())).toBe(200);
    expect([await world.statusOf(cached), await world.statusOf(fresh)]).toEqual([401, 401]);
    expect(world.provider.keyRequests).toBe(2);
  });

  test('that stops takes no good token with it; an unknown key is a 401 then', async () => {
    await using world = await World.start();
    expect(await world.statusOf(world.goodToken())).toBe(200);
    await world.provider.stop();
    expect(await world.statusesOf(world.tokensOfUnknownKeys())).toEqual(all(401));
    expect(await world.statusesOf(world.goodTokens())).toEqual(all(200));
  });

  test('that is down from the start is a 503 until it is back, with the time to come again', async () => {
    await using world = await World.start();
    const token = await world.goodToken();
    await world.provider.stop();
    const answers = await Promise.all(times(20, () => world.call(token)));
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ title: 'Temporary Reduced Capacity', status: 503 });
    }
    await world.provider.restart();
    const seconds = Number(answers[0]?.headers.get('Retry-After'));
    expect(seconds).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    expect(await world.statusOf(token)).toBe(200);
    expect(world.provider.keyRequests).toBe(1);
  });

  const faults: Fault[] = ['status_500', 'html', 'ten_megabytes', 'redirect', 'empty_set', 'slow', 'endless'];

  test.each(faults)(
    'that answers %s keeps its good tokens, and is not asked again at once',
    async (fault) => {
      await using world = await World.start();
      expect(await world.statusOf(world.goodToken())).toBe(200);
      world.provider.fault = fault;
      const asked = new Promise<void>((resolve) => {
        world.provider.onKeyRequest = resolve;
      });
      const strange = world.statusesOf(world.tokensOfUnknownKeys());
      await asked;
      expect(await world.statusesOf(world.goodTokens())).toEqual(all(200));
      expect(await strange).toEqual(all(401));
      expect(await world.statusesOf(world.tokensOfUnknownKeys())).toEqual(all(401));
      expect(world.provider.documentRequests).toBe(2);
    },
  );

  test.each(faults)('that answers %s from the start is a 503, never a 401', async (fault) => {
    await using world = await World.start();
    world.provider.fault = fault;
    expect(await world.statusesOf(world.goodTokens())).toEqual(all(503));
    expect(world.provider.documentRequests).toBe(1);
  });

  test('that publishes a broken key among good ones loses nothing', async () => {
    await using world = await World.start();
    world.provider.fault = 'one_broken_key';
    expect(await world.statusesOf(world.goodTokens())).toEqual(all(200));
    expect(world.provider.keyRequests).toBe(1);
  });

  test('is asked to the end for the others when the client that caused it leaves', async () => {
    await using world = await World.start();
    world.provider.fault = 'slow';
    const left = new AbortController();
    const asked = new Promise<void>((resolve) => {
      world.provider.onKeyRequest = resolve;
    });
    const abandoned = world.call(world.goodToken(), { signal: left.signal });
    await asked;
    const waiting = world.statusOf(world.goodToken());
    left.abort();
    await expect(abandoned).rejects.toThrow();
    expect(await waiting).toBe(503);
    expect(world.provider.keyRequests).toBe(1);
  });
});
