// Routes: no spelling of a path or method moves a request to a weaker route, and ordinary requests get their own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Route } from '../../src/config/types.ts';
import { covers } from '../../src/routing/combine.ts';
import { pathOf, readings } from '../../src/routing/readings.ts';
import { isPreflight, routeOf } from '../../src/routing/route-of.ts';

const configOf = (routes: unknown, vars: Record<string, unknown> = {}) =>
  parseConfig({ JWT_ISSUER: 'https://issuer.example', ROUTES: routes, ...vars });

const ask = (config: ReturnType<typeof configOf>, path: string, method = 'GET'): Route =>
  routeOf(config)(new Request(`https://api.example${path}`, { method }));

// The wide and the open come first on purpose: the worst order for whoever relies on the first match alone.
const SITE = configOf([
  { name: 'public', match: '/public/*', auth: 'none' },
  { name: 'assets', match: '/assets/*', limits: 'none' },
  { name: 'beta', match: '/beta/*', mode: 'shadow' },
  { name: 'maybe', match: '/maybe/*', auth: 'optional' },
  { name: 'login', match: '/login', methods: ['POST'], auth: 'none', limits: '5/minute' },
  { name: 'files', match: '/files/:name', limits: '50/minute' },
  { name: 'api', match: '/api/*', limits: '1000/minute' },
  { name: 'admin', match: '/admin/*', scopes: ['admin'], limits: '20/minute' },
  { name: 'search', match: '/Search/:kind/', limits: '10/minute', cost: 5 },
]);

const named = (name: string): Route => {
  const route = [...SITE.routes, SITE.defaultRoute].find((each) => each.name === name);
  if (route === undefined) throw new Error(`no route ${name}`);
  return route;
};

describe('an ordinary request', () => {
  it.each([
    ['/public/logo.png', 'public'],
    ['/public/a%20b.png', 'public'],
    ['/public/caf%C3%A9.png', 'public'],
    ['/public/a%2Fb.png', 'public'],
    ['/public/100%25', 'public'],
    ['/assets/app.js?v=../../admin', 'assets'],
    ['/beta/x', 'beta'],
    ['/maybe/x', 'maybe'],
    ['/files/report.pdf', 'files'],
    ['/files/2026%2Fmay.pdf', 'files'],
    ['/api/items/5', 'api'],
    ['/api/items/a%2Fb', 'api'],
    ['/api/proxy/https%3A%2F%2Fexample.com%2Fx', 'api'],
    ['/api/items;v=1/5', 'api'],
    ['/api', 'api'],
    ['/admin/users', 'admin'],
    ['/Search/books/', 'search'],
    ['/other', 'default'],
    ['/', 'default'],
    ['/files/a/b', 'default'],
  ])('%s is %s', (path, name) => {
    expect(ask(SITE, path)).toBe(named(name));
  });

  it('gets the first of several that match', () => {
    const config = configOf([
      { name: 'narrow', match: '/a/b' },
      { name: 'wide', match: '/a/*', limits: '5/minute' },
    ]);
    expect(ask(config, '/a/b').name).toBe('narrow');
    expect(ask(config, '/a/c').name).toBe('wide');
  });

  it('gets the collection’s own route where both it and its wildcard are listed', () => {
    const config = configOf([
      { name: 'item', match: '/items/*', limits: '5/minute' },
      { name: 'list', match: '/items', limits: '9/minute' },
    ]);
    expect(ask(config, '/items').name).toBe('list');
  });

  it('gets the default route object itself where there are no routes', () => {
    const config = configOf(undefined);
    expect(ask(config, '/public/..%2fadmin')).toBe(config.defaultRoute);
  });
});

describe('no spelling leads to a weaker route', () => {
  it.each([
    // What the URL's own parser undoes.
    ['/public/../admin/x', 'admin'],
    ['/public/%2e%2e/admin/x', 'admin'],
    ['/public/.%2E/admin/x', 'admin'],
    ['/public\\..\\admin\\x', 'admin'],
    ['/./admin/x', 'admin'],
    ['/public/./../admin/x', 'admin'],
    // Slashes.
    ['//admin/x', 'admin'],
    ['/admin//x', 'admin'],
    ['///admin///x', 'admin'],
    ['/public/..//admin/x', 'admin'],
    ['/%2Fadmin/x', 'admin'],
    ['/%2fadmin/x', 'admin'],
    ['/admin%2Fx', 'admin'],
    ['/admin%5Cx', 'admin'],
    ['/%5Cadmin%5cx', 'admin'],
    ['/public/..%2Fadmin/x', 'admin'],
    ['/public/..%5Cadmin/x', 'admin'],
    ['/public%2F..%2Fadmin%2Fx', 'admin'],
    ['/public/%2e%2e%2fadmin/x', 'admin'],
    ['/public/x/..%2f..%2fadmin/x', 'admin'],
    // Dots between escaped slashes, folded first or resolved first.
    ['/public/..%2fadmin%2f%2f..%2fpublic/x', 'admin'],
    ['/public/.%2f../admin/x', 'admin'],
    ['/public/x%2f%2f..%2f..%2fadmin/x', 'admin'],
    ['/files%2f%2f..%2f%2freport', 'files'],
    // Escapes.
    ['/%61dmin/x', 'admin'],
    ['/%61%64%6D%69%6E/x', 'admin'],
    ['/ad%6din/x', 'admin'],
    ['/%2561dmin/x', 'admin'],
    ['/%252561dmin/x', 'admin'],
    ['/%25%36%31dmin/x', 'admin'],
    ['/%u0061dmin/x', 'admin'],
    ['/public/%252e%252e%252fadmin/x', 'admin'],
    ['/public/%252e%252e/admin/x', 'admin'],
    ['/public/..%252fadmin/x', 'admin'],
    ['/public/..%255cadmin/x', 'admin'],
    // Overlong UTF-8, of `/`, `.`, `\` and `a`.
    ['/public/..%c0%afadmin/x', 'admin'],
    ['/public/%c0%ae%c0%ae/admin/x', 'admin'],
    ['/public/..%c1%9cadmin/x', 'admin'],
    ['/public/..%e0%80%afadmin/x', 'admin'],
    ['/public/..%f0%80%80%afadmin/x', 'admin'],
    ['/%c1%a1dmin/x', 'admin'],
    // Case.
    ['/ADMIN/x', 'admin'],
    ['/Admin/x', 'admin'],
    ['/%41DMIN/x', 'admin'],
    // Parameters, dropped before or after the slashes are read.
    ['/admin;v=1/x', 'admin'],
    ['/admin;/x', 'admin'],
    ['/;v=1/admin/x', 'admin'],
    ['/public/..;/admin/x', 'admin'],
    ['/public/..;a=b/admin/x', 'admin'],
    ['/public/x;%2f..%2f..%2fadmin/x', 'admin'],
    ['/admin;%2f..%2fpublic/x', 'admin'],
    ['/admin%3Bv=1/x', 'admin'],
    ['/;%2fpublic/admin%2fx', 'admin'],
    ['/public/..;%2fadmin/x', 'admin'],
    ['/%61dmin/..;/public/x', 'admin'],
    ['/%61dmin/..%2fpublic/x', 'admin'],
    // Ends.
    ['/admin', 'admin'],
    ['/admin/', 'admin'],
    ['/admin?x', 'admin'],
    ['/admin/x#/public/', 'admin'],
    ['/admin/x%23', 'admin'],
    ['/admin/x%00', 'admin'],
    ['/adm%00in/x', 'default'],
    ['/adm%09in/x', 'admin'],
    ['/%20admin/x', 'admin'],
    ['/login', 'login', 'POST'],
    ['/login/', 'login', 'POST'],
    ['/login//', 'login', 'POST'],
    ['/LOGIN', 'login', 'POST'],
    ['/login?x=1', 'login', 'POST'],
    ['/login%3Fx=1', 'login', 'POST'],
    ['/login%00', 'login', 'POST'],
    ['/login%00.png', 'login', 'POST'],
    ['/login;jsessionid=1', 'login', 'POST'],
    ['/api/..%2flogin', 'login', 'POST'],
    ['/assets/..%2flogin', 'login', 'POST'],
    // A pattern's own upper case and trailing slash.
    ['/search/books', 'search'],
    ['/search/books/', 'search'],
    ['/Search/books', 'search'],
    ['/SEARCH//books', 'search'],
    // Onto a route that loosens: only a path that is there in every reading.
    ['/x/..%2fpublic/y', 'default'],
    ['/PUBLIC/y', 'default'],
    ['/public', 'default'],
    ['/public/', 'default'],
    ['/%70ublic/y', 'default'],
    ['//public/y', 'default'],
    ['/public/..%2fx', 'default'],
    ['/public/..%2f..%2fx', 'default'],
    ['/assets/..%2fx', 'default'],
    ['/ASSETS/x', 'default'],
    ['/beta/..%2fx', 'default'],
    ['/maybe/..%2fx', 'default'],
    ['/public/..%2fmaybe/x', 'maybe'],
    ['/public/..%2fbeta/x', 'beta'],
    ['/beta/..%2fassets/x', 'assets'],
    // Onto a wider one that tightens less.
    ['/api/..%2fadmin/x', 'admin'],
    ['/api/..%2fadmin/x', 'api'],
    ['/files/..%2fapi%2fx', 'api'],
    ['/files/..%2fapi%2fx', 'files'],
  ])('%s must meet the demands of %s', (path, name, method = 'GET') => {
    const route = ask(SITE, path, method);
    expect(covers(route, named(name)), route.name).toBe(true);
  });

  it('a path that leaves an open route in any reading needs a token', () => {
    expect(ask(SITE, '/public/..%2fmaybe/x').auth).toBe('required');
    expect(ask(SITE, '/beta/..%2fx').mode).toBe('enforce');
  });

  it('a request that several readings send to several routes meets the demands of all, under one name', () => {
    expect(ask(SITE, '/api/..%2fadmin/x')).toMatchObject({
      name: 'api+admin',
      auth: 'required',
      scopes: ['admin'],
      limits: [{ name: 'api:1000/minute' }, { name: 'admin:20/minute' }],
    });
  });

  it('such a combination is made once', () => {
    const find = routeOf(SITE);
    const request = () => new Request('https://api.example/api/..%2fadmin/x');
    expect(find(request())).toBe(find(request()));
  });

  it('a route that loosens and tightens does the one only where it surely matches, the other wherever it might', () => {
    expect(ask(SITE, '/login', 'POST')).toMatchObject({ auth: 'none', limits: [{ name: 'login:5/minute' }] });
    expect(ask(SITE, '//login', 'POST')).toMatchObject({
      auth: 'required',
      limits: [{ name: 'login:5/minute' }],
    });
  });

  it('routes that differ in nothing but case both hold where the case is not as sent for sure', () => {
    const config = configOf([
      { name: 'lower', match: '/a/b' },
      { name: 'upper', match: '/A/b', cost: 2 },
    ]);
    expect(ask(config, '//A/b').cost).toBe(2);
    expect(ask(config, '/a/b').name).toBe('lower');
  });

  it('HEAD counts as GET', () => {
    const config = configOf([{ name: 'read', match: '/*', methods: ['GET'], cost: 3 }]);
    expect(ask(config, '/x', 'HEAD').name).toBe('read');
    expect(ask(config, '/x', 'POST').name).toBe('default');
  });

  it('a path of more than 1,024 characters with several readings meets the demands of every route', () => {
    const route = ask(SITE, `/public/${'a'.repeat(1100)}%2fx`);
    for (const each of [...SITE.routes, SITE.defaultRoute]) expect(covers(route, each), each.name).toBe(true);
  });

  it('a long path with one reading is an ordinary one', () => {
    expect(ask(SITE, `/public/${'a%20'.repeat(4000)}`).name).toBe('public');
  });

  it('in shadow mode for all, a route is found as it would be when enforced', () => {
    const shadow = configOf([{ name: 'admin', match: '/admin/*', limits: '5/minute' }], { MODE: 'shadow' });
    expect(ask(shadow, '//admin/x').name).toBe('admin');
  });
});

describe('any routes and any spelling', () => {
  const segment = fc.constantFrom(
    ...[
      'a',
      'b',
      'A',
      '..',
      '.',
      '%2e%2e',
      '%61',
      '%2561',
      ';',
      'a;x',
      '%2f',
      '%5c',
      '%252f',
      '',
      '%00',
      '%3f',
      '%c0%af',
    ],
  );
  const path = fc.array(fc.tuple(fc.constantFrom('/', '/', '%2f', '//', '\\'), segment), { maxLength: 7 });
  const route = fc.record(
    {
      match: fc.constantFrom('/a', '/a/*', '/a/:x', '/b/*', '/a/b', '/a/b/', '/*', '/b', '/A/b'),
      auth: fc.constantFrom('required', 'optional', 'none'),
      limits: fc.constantFrom('none', '5/minute', '7/hour'),
      cost: fc.integer({ min: 1, max: 5 }),
      mode: fc.constantFrom('enforce', 'shadow'),
      methods: fc.constantFrom(['GET'], ['POST']),
    },
    { requiredKeys: ['match'] },
  );
  const routes = fc
    .array(route, { maxLength: 4 })
    .map((list) => list.map((each, i) => ({ ...each, name: `r${i}` })));
  const text = path.map((parts) => `/${parts.flat().join('')}`);

  it('the route found covers the first match of every reading, taken as sent', () => {
    fc.assert(
      fc.property(routes, text, (list, sent) => {
        const config = configOf(list);
        const found = ask(config, sent);
        const plain = new URL(`https://api.example${sent}`).pathname;
        for (const reading of [plain, ...(readings(plain) ?? [])]) {
          const first = config.routes.find(
            ({ match, methods }) =>
              methods?.has('GET') !== false &&
              new URLPattern({ pathname: match }).test({ pathname: reading }),
          );
          expect(
            covers(found, first ?? config.defaultRoute),
            `${sent} read as ${reading}: ${found.name}`,
          ).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('reading twice changes nothing more', () => {
    fc.assert(
      fc.property(text, (sent) => {
        const all = [...(readings(new URL(`https://api.example${sent}`).pathname) ?? [])];
        const canonical = all.at(-1) ?? '';
        expect(readings(canonical)?.has(canonical)).toBe(true);
      }),
    );
  });

  it('never throws and stays quick, whatever is sent', () => {
    const find = routeOf(SITE);
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string(), (url, junk) => {
        expect(find(new Request(url)).name).not.toBe('');
        expect(find(new Request(`https://api.example/${encodeURI(junk.toWellFormed())}`)).name).not.toBe('');
      }),
    );
  });

  it('the worst path takes no more than a few milliseconds', () => {
    const find = routeOf(SITE);
    const worst = new Request(`https://api.example${'/a;b%2f..%2f%2f..;x/%00c/'.repeat(80).slice(0, 1024)}`);
    find(worst);
    const start = process.cpuUsage();
    for (let i = 0; i < 20; i++) find(worst);
    const { user } = process.cpuUsage(start);
    expect(user / 1000 / 20).toBeLessThan(20);
  });
});

describe('the path of a URL as a client wrote it', () => {
  it.each([
    ['https://a.example/x?y', '/x'],
    ['https://a.example/x#y', '/x'],
    ['https://a.example:8443/x/y', '/x/y'],
    ['https://a.example/?/x', '/'],
    ['https://a.example/public\\..\\admin', '/admin'],
    ['https://a.example/a/./b/../c', '/a/c'],
    ['https://a.example/a/%2E%2e/c', '/c'],
    ['https://a.example/a/b%2Fc;v=1/', '/a/b%2Fc;v=1/'],
    ['https://a.example/a`b{c}', '/a%60b%7Bc%7D'],
    ['https://a.example/é', '/%C3%A9'],
    ['https://a.example/a b', '/a%20b'],
    ['https://a.example/a\tb', '/ab'],
  ])('%s is %s', (url, path) => {
    expect(pathOf(url)).toBe(path);
  });

  it('is always that of the URL standard', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...'/\\.%2eE;?#|^[]a ') }),
        (a, b) => {
          const url = `https://a.example/${a.toWellFormed()}/${b}`;
          expect(pathOf(url)).toBe(new URL(url).pathname);
        },
      ),
    );
  });
});

describe('a CORS preflight', () => {
  const preflight = (method: string, headers: Record<string, string>) =>
    isPreflight(new Request('https://api.example/', { method, headers }));
  const Origin = 'https://app.example';

  it('is OPTIONS with Origin and Access-Control-Request-Method', () => {
    const asked = { Origin, 'Access-Control-Request-Method': 'POST' };
    expect(preflight('OPTIONS', asked)).toBe(true);
    expect(preflight('OPTIONS', { Origin })).toBe(false);
    expect(preflight('OPTIONS', { 'Access-Control-Request-Method': 'POST' })).toBe(false);
    expect(preflight('GET', asked)).toBe(false);
    expect(preflight('POST', asked)).toBe(false);
  });
});
