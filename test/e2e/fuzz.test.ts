// Anything a client may send: it gets an answer, never one that is our fault, and nothing is thrown.
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

const REQUESTS = scaled(2_000, 50_000);
/** Requests that one run of the property sends at once; shrinking finds the one that matters. */
const AT_ONCE = 25;

let provider: IdentityProvider;
let origin: Origin;
let weir: Weir;
let goodToken: string;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

beforeAll(async () => {
  [provider, origin] = await Promise.all([IdentityProvider.start(), startOrigin()]);
  goodToken = await provider.sign({ ...provider.goodClaims(), exp: Math.floor(Date.now() / 1000) + 7_200 });
  weir = await startWeir({
    vars: {
      ORIGIN_URL: `${origin.url}/echo`,
      ...provider.vars,
      UNAUTHORIZED_DELAY_MS: '0',
      LIMITS: '1000000/minute',
      ANONYMOUS_LIMITS: '1000000/minute',
      PREFLIGHT_LIMITS: '1000000/minute',
      CORS_ORIGINS: 'https://app.example.test',
      ROUTES: [
        { name: 'open', match: '/open/*', auth: 'none' },
        { name: 'either', match: '/either/:id', auth: 'optional', limits: '500000/minute' },
        { name: 'scoped', match: '/scoped/*', methods: ['GET', 'POST'], scopes: ['read'] },
        { name: 'costly', match: '/costly', cost: 7 },
      ],
    },
  });
});
afterAll(async () => {
  agent.destroy();
  await Promise.all([weir.close(), provider.stop(), origin.close()]);
});

/** What HTTP lets into a field value; all else no client and no edge would pass on. */
const fieldValue = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 300 })
  .map((codes) => String.fromCharCode(...codes).replaceAll('\x7f', ''));

const json = fc.jsonValue().map((value) => JSON.stringify(value));
const part = fc
  .oneof(
    json,
    fc.string(),
    fc.constantFrom('{}', 'null', '{"alg":"RS256"}', '{"alg":"none"}', '{"__proto__":1}'),
  )
  .map((text) => Buffer.from(text).toString('base64url'));

const header = fc.record(
  {
    alg: fc.oneof(fc.constantFrom('RS256', 'ES256', 'HS256', 'none', 'toString'), fc.anything()),
    kid: fc.oneof(fc.constantFrom('', '__proto__', '../x'), fc.anything()),
    typ: fc.oneof(fc.constant('at+jwt'), fc.anything()),
    crit: fc.anything(),
    jwk: fc.object(),
  },
  { requiredKeys: [] },
);

const stringified = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch {
    return '{}';
  }
};

const forgedToken = fc
  .tuple(header, fc.anything(), fc.uint8Array({ maxLength: 300 }))
  .map(([head, claims, signature]) =>
    [stringified(head), stringified(claims), signature]
      .map((bytes) => Buffer.from(bytes as string).toString('base64url'))
      .join('.'),
  );

/** A good token with a few characters changed, dropped, doubled or swapped. */
const mutatedToken = fc
  .array(
    fc.tuple(
      fc.nat({ max: 2_000 }),
      fc.constantFrom('drop', 'double', 'replace', 'cut'),
      fc.string({ maxLength: 3 }),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((edits) => edits.reduce(edited, goodToken));

const edited = (token: string, [at, how, text]: [number, string, string]): string => {
  const i = at % (token.length + 1);
  if (how === 'drop') return token.slice(0, i) + token.slice(i + 1);
  if (how === 'double') return token.slice(0, i) + token.slice(i - 1);
  if (how === 'cut') return token.slice(0, i);
  return token.slice(0, i) + Buffer.from(text).toString('base64url') + token.slice(i + 1);
};

const token = fc.oneof(
  forgedToken,
  mutatedToken,
  fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
  fc.nat({ max: 12_000 }).map((length) => 'a.'.repeat(length)),
);

const scheme = fc.constantFrom('Bearer ', 'bearer ', 'BEARER  ', 'Bearer', 'Basic ', 'DPoP ', '');

const authorization = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(scheme, token).map(([name, value]) => name + value) },
  { weight: 2, arbitrary: fieldValue },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant('good').map(() => `Bearer ${goodToken}`) },
);

/** Paths as bytes on the wire: anything but spaces and controls, which end a request line. */
const pathPiece = fc.oneof(
  fc.constantFrom(
    'open',
    'either',
    'scoped',
    'costly',
    '.weir',
    'health',
    '..',
    '.',
    '%2e%2e',
    '%2f',
    '\\',
    '//',
    ';x',
  ),
  fc.constantFrom(
    '%',
    '%0',
    '%00',
    '%ff',
    '%c0%af',
    '%u002f',
    '?',
    '#',
    '&a=',
    '@',
    ':',
    '*',
    '\xff',
    '%0d%0a',
  ),
  fc.string({ unit: 'binary', maxLength: 10 }).map((text) => encodeURIComponent(text.toWellFormed())),
);

const path = fc
  .array(pathPiece, { maxLength: 8 })
  .map((pieces) => `/${pieces.join('/')}`.replace(/[^\x21-\xff]|\x7f/g, ''));

const method = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'REPORT',
  'PURGE',
);

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.string().map((text) => text.replace(/[^\x21-\x7e]/g, '')),
);

const otherHeaders = fc.dictionary(
  fc.constantFrom(
    'Origin',
    'Access-Control-Request-Method',
    'Access-Control-Request-Headers',
    'X-Auth-Subject',
    'X_Auth_Subject',
    'X-Original-URL',
    'X-HTTP-Method-Override',
    'CF-Ray',
    'RateLimit',
    'Accept-Encoding',
    'X-Weir-Secret',
  ),
  fieldValue,
  { maxKeys: 4 },
);

const anyRequest = fc.record({ method, path, authorization, address, otherHeaders });
type AnyRequest = ReturnType<typeof anyRequest.generate> extends { value: infer T } ? T : never;

const statusOf = ({
  method: verb,
  path: target,
  authorization: value,
  address: from,
  otherHeaders: others,
}: AnyRequest) =>
  new Promise<number>((resolve, reject) => {
    const headers: Record<string, string> = { ...others, 'CF-Connecting-IP': from };
    if (value !== undefined) headers.Authorization = value;
    const { hostname, port } = new URL(weir.url);
    const outgoing = request({
      hostname,
      port,
      agent,
      method: verb,
      path: target,
      headers,
      insecureHTTPParser: true,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    outgoing.end();
  });

test('no request whatever is answered with a 5xx', { timeout: SOAK_TIMEOUT_MS }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  tell(`fuzz: ${REQUESTS} requests, seed ${seed}`);
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(anyRequest, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (requests) => {
      const answers = await Promise.all(requests.map(statusOf));
      for (const status of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(answers.filter((status) => status >= 500 || status < 200)).toEqual([]);
    }),
    { seed, numRuns: REQUESTS / AT_ONCE },
  );
  tell(`  answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`);
  expect(statuses.get(200)).toBeGreaterThan(0);
  expect(statuses.get(401)).toBeGreaterThan(0);
  const thrown = weir.logs().filter(({ message }) => /uncaught|unforeseen|exception/i.test(message));
  expect(thrown).toEqual([]);
});
