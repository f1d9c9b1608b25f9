// Routes: no spelling of a path or method moves a request to a weaker route, and ordinary requests get their own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Route } from '../../src/config/types.ts';
import { covers } from '../../src/routing/combine.ts';
import { isPlainText, mayNameMethod, methodsInBody } from '../../src/routing/methods.ts';
import { paramsOf } from '../../src/routing/params.ts';
import { isPreflight, routeOf } from '../../src/routing/route-of.ts';
import { sentPath } from '../../src/routing/sent-path.ts';

const configOf = (routes: unknown, vars: Record<string, unknown> = {}) =>
  parseConfig({ JWT_ISSUER: 'https://issuer.example', ROUTES: routes, ...vars });

type Config = ReturnType<typeof configOf>;

/** Undefined: refused. The path is not parsed, just as the Worker's is not. */
const find = (config: Config, path: string, method = 'GET'): Route | undefined =>
  routeOf(config)({ method, url: `https://api.example${path}` });

const ask = (config: Config, path: string, method = 'GET'): Route => {
  const route = find(config, path, method);
  if (route === undefined) throw new Error(`refused: ${path}`);
  return route;
};

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

  it.each([
    ['/items/:id?', ['/items', '/items/5'], ['/items/5/6']],
    ['/items{/:id}?', ['/items', '/items/5'], ['/items/5/6']],
    ['/v-:id?', ['/v-', '/v-5'], ['/v', '/v-5/6']],
    ['/v1/:rest*', ['/v1', '/v1/a', '/v1/a/b'], ['/v2']],
    ['/v1/:rest+/x', ['/v1/a/x', '/v1/a/b/x'], ['/v1/x']],
    ['/n/:id(\\d+)', ['/n/5'], ['/n/x']],
    ['/n/:id(\\d{2,3})', ['/n/55', '/n/555'], ['/n/5']],
    ['/n/:id([a-z]{2})', ['/n/ab'], ['/n/abc']],
    ['/:a-:b.txt', ['/1-2-3.txt'], ['/1-.txt', '/-2.txt', '/1.txt']],
    ['/a*b/c', ['/ab/c', '/axb/c', '/ax/y/zb/c'], ['/ax/y/z/c']],
    ['/*', ['/', '/a/b'], []],
  ])('%s is what a URLPattern says', (match, matching, others) => {
    const config = configOf([{ name: 'own', match, cost: 2 }]);
    for (const path of matching) expect(ask(config, path).name, path).toBe('own');
    for (const path of others) expect(ask(config, path).name, path).toBe('default');
    for (const path of [...matching, ...others])
      expect(new URLPattern({ pathname: match }).test({ pathname: path }), path).toBe(
        matching.includes(path),
      );
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

  describe('a route that tightens also covers what an origin may take for it', () => {
    const config = configOf([
      { name: 'script', match: '/login.php', limits: '3/minute' },
      { name: 'session', match: '/session', limits: '5/minute' },
      { name: 'delete', match: '/items/:id', methods: ['DELETE'], scopes: ['delete'] },
      { name: 'spaced', match: '/MY files/*', scopes: ['files'] },
      { name: 'accented', match: '/café', scopes: ['cafe'] },
      { name: 'report', match: '/reports/:name.pdf', scopes: ['reports'] },
      { name: 'any-script', match: '/cgi/*.cgi', scopes: ['cgi'] },
      { name: 'open-page', match: '/session.html', auth: 'none' },
      { name: 'member', match: '/users/:id', limits: '7/minute' },
    ]);

    it.each([
      ['/login.php/0', 'script'],
      ['/login.php/', 'script'],
      ['/login.php/a/b.json', 'script'],
      ['/LOGIN.PHP/x', 'script'],
      ['/login.php.', 'script'],
      ['/login.php%20', 'script'],
      ['/login.php;x/y', 'script'],
      ['/login.php%2f0', 'script'],
      ['/x/..%2flogin.php%2f0', 'script'],
      ['/session.json', 'session'],
      ['/session.JSON/', 'session'],
      ['/session.tar.gz', 'session'],
      ['/session.json;v=1', 'session'],
      ['/session.json/x/%2e%2e', 'session'],
      ['/session.json%00/x', 'session'],
      ['/items/5?_method=DELETE', 'delete', 'POST'],
      ['/items/5?a&_method=delete&_method=GET', 'delete', 'POST'],
      ['/items/5?%5fmethod=%44ELETE', 'delete', 'POST'],
      ['/items/5?.method=DELETE', 'delete', 'POST'],
      ['/items/5?_method[]=DELETE', 'delete', 'POST'],
      [`/items/5?${'_method=X;'.repeat(15)}_%4dethod=DELETE`, 'delete', 'POST'],
      [`/items/5?${'_method=X&'.repeat(20)}`, 'delete', 'POST'],
      ['/MY%20files/a', 'spaced'],
      ['//my%20files/a', 'spaced'],
      ['/My files/a', 'spaced'],
      ['/caf%c3%a9', 'accented'],
      ['/CAF%C3%89', 'accented'],
      ['/cafe%cc%81', 'accented'],
      ['/caf%e9', 'accented'],
      ['/caf%u00e9', 'accented'],
      ['/ｃａｆé', 'accented'],
      ['/reports//may.PDF', 'report'],
      ['/cgi/x.cgi', 'any-script'],
      ['/cgi/x/y.cgi', 'any-script'],
      ['/CGI/x%2Fy.CGI', 'any-script'],
      ['/users/5.json', 'member'],
      ['/users/me.php/x', 'member'],
      ['/index.php/session', 'session'],
      ['/x/INDEX%2ephp%2fsession.json', 'session'],
      ['/a.php/b.cgi/login.php', 'script'],
      ['/session;/x/y', 'session'],
      ['/users/5;/x/y', 'member'],
      ['/users/a%2fb;/x', 'member'],
    ])('%s must meet the demands of %s', (path, name, method = 'GET') => {
      const route = config.routes.find((each) => each.name === name) ?? config.defaultRoute;
      expect(covers(ask(config, path, method), route), ask(config, path, method).name).toBe(true);
    });

    it.each([
      ['/MY%20files/a', 'spaced'],
      ['/caf%C3%A9', 'accented'],
      ['/session.html', 'open-page'],
      ['/users/john.doe/posts', 'default'],
      ['/users/john.doe', 'member'],
      ['/session.d/x', 'default'],
      ['/items/5', 'default', 'POST'],
      ['/items/5?method=DELETE', 'default', 'POST'],
      [`/items/5?${Array.from({ length: 16 }, (_, i) => `_method=X${i}`).join('&')}&a`, 'default', 'POST'],
      ['/items/5?_method=DELETE', 'default', 'GET'],
      ['/reports/may.txt', 'default'],
      ['/index.html/session', 'default'],
      ['/index.php/other', 'default'],
    ])('%s is no more than %s', (path, name, method = 'GET') => {
      expect(ask(config, path, method).name).toBe(name);
    });
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

  it('a route whose name differs from an earlier one’s in case holds for its own case in every spelling', () => {
    const config = configOf([
      { name: 'wide', match: '/a/:x' },
      { name: 'upper', match: '/A/b', cost: 2 },
    ]);
    for (const path of ['/A/b', '//A/b', '/%41/b', '/A;x/b']) expect(ask(config, path).cost, path).toBe(2);
  });

  it('HEAD counts as GET', () => {
    const config = configOf([{ name: 'read', match: '/*', methods: ['GET'], cost: 3 }]);
    expect(ask(config, '/x', 'HEAD').name).toBe('read');
    expect(ask(config, '/x', 'POST').name).toBe('default');
  });

  it('a path with more readings than are followed is refused', () => {
    expect(find(SITE, `/public/${'..%2f;/'.repeat(1_000)}x`)).toBeUndefined();
    expect(find(SITE, '/%2f;a'.repeat(2_000))).toBeUndefined();
  });

  it('a URL of 1,600 characters within a path is an ordinary one', () => {
    const inner = encodeURIComponent('https://api.example/a/b;v=1/c.d/?e=/f&g=#h'.repeat(40)).slice(0, 1_600);
    expect(ask(SITE, `/assets/${inner}`).name).toBe('assets');
    expect(ask(SITE, `/api/${inner}`).name).toBe('api');
    expect(ask(SITE, `/admin/${inner}`).name).toBe('admin');
  });

  it('a long path with one reading is an ordinary one', () => {
    expect(ask(SITE, `/public/${'a%20'.repeat(4000)}`).name).toBe('public');
  });

  it('in shadow mode for all, a route is found as it would be when enforced', () => {
    const shadow = configOf([{ name: 'admin', match: '/admin/*', limits: '5/minute' }], { MODE: 'shadow' });
    expect(ask(shadow, '//admin/x').name).toBe('admin');
  });
});

/** What origins and proxies before them do to a path, each without regard to the others. */
const DONE_BY_ORIGINS: ((path: string) => string)[] = [
  (path) => path.replace(/%00.*$/, ''),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/%(61|2e|5c|25|3f)/gi, decodeURIComponent),
  (path) => path.replace(/%2f/gi, '/'),
  (path) => path.replace(/%c0%af/gi, '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => new URL(`https://api.example${path.replace(/^\/*/, '/')}`).pathname,
  (path) => path.toLowerCase(),
  (path) => path.replace(/(.)\/+$/, '$1'),
  (path) => path.replace(/\.(json|php.*)$/, ''),
];

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
      'a.json',
      '%2E.',
      '%255c',
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
  /** Origins of every kind: each undoes some of these, in this order, some of them twice. */
  const origin = fc
    .tuple(fc.subarray(DONE_BY_ORIGINS), fc.subarray(DONE_BY_ORIGINS))
    .map((steps) => (sent: string) => steps.flat().reduce((read, step) => step(read), sent) || '/');
  const text = path.map((parts) => `/${parts.flat().join('')}`);

  it('the route found covers the first match of every reading that an origin may make', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(routes, text, origin, (list, sent, read) => {
        const config = configOf(list);
        const found = find(config, sent);
        const reading = read(sent);
        const first = config.routes.find(
          ({ match, methods }) =>
            methods?.has('GET') !== false && new URLPattern({ pathname: match }).test({ pathname: reading }),
        );
        if (found === undefined) return;
        expect(covers(found, first ?? config.defaultRoute), `${sent} read as ${reading}: ${found.name}`).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is found, or the path refused, whatever is sent', () => {
    const ofSite = routeOf(SITE);
    const found = (url: string) => ofSite({ method: 'GET', url })?.name;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
        fc.string({ unit: fc.constantFrom(...'/%.;2efc05A') }),
        (...junk) => {
          for (const path of junk) {
            expect(found(`https://api.example/${path}`)).not.toBe('');
            expect(found(`https://api.example/${encodeURI(path.toWellFormed())}`)).not.toBe('');
          }
        },
      ),
    );
  });
});

describe('the method that a body names', () => {
  const part = (disposition: string): string => `--b\r\nContent-Disposition: form-data; ${disposition}`;

  it.each([
    ['_method=DELETE', ['DELETE']],
    ['a=b&_method=delete&_METHOD=put', ['DELETE', 'PUT']],
    ['%5fm%65thod=%44ELETE', ['DELETE']],
    ['a;_method=PUT', ['PUT']],
    ['_method[]=PUT&x', ['PUT']],
    ['.method=PUT', ['PUT']],
    ['%20_method=HEAD', ['GET']],
    ['_method=', ['']],
    ['{"_method":"DELETE"}', ['DELETE']],
    ['{"a": 1, "\\u005fm\\u0065thod" : "PUT"}', ['PUT']],
    [`${part('name="_method"')}\r\n\r\nDELETE\r\n--b--\r\n`, ['DELETE']],
    [`${part('name=_method; filename=""')}\r\nX: y\r\n\r\nDELETE\r\n--b--\r\n`, ['DELETE']],
    [`${part('name="_\\method"')}\nX: y\n\nPUT\n--b--\n`, ['PUT']],
    ['', []],
    ['{"payment_method":"card","method":"x"}', []],
    ['note=the method&http_method=GET&_methods=1', []],
  ])('of %j is %j', (text, methods) => {
    expect(methodsInBody(text)).toEqual(methods);
  });

  it.each([
    '{"_method":["DELETE"]}',
    '{"x":"_method"}',
    `${part('name="_method"')}\r\n`,
    '_method=PUT&'.repeat(17),
  ])('of %j is anybody’s guess', (text) => {
    expect(methodsInBody(text)).toBeUndefined();
  });

  it('is looked for in a POST of a form, of JSON or of no type', () => {
    const looked = (type: string | undefined, method = 'POST') =>
      mayNameMethod({ method, headers: new Headers(type === undefined ? {} : { 'Content-Type': type }) });
    const types = [
      'application/x-www-form-urlencoded',
      'Multipart/Form-Data; boundary=b',
      'application/a+json',
      '',
    ];
    expect(types.map((type) => looked(type))).toEqual([true, true, true, true]);
    expect(looked(undefined)).toBe(true);
    expect(looked('image/png')).toBe(false);
    expect(looked('application/json', 'PUT')).toBe(false);
  });

  it('is not read from what is compressed or in another alphabet', () => {
    expect(isPlainText(new Headers({ 'Content-Type': 'text/x; charset="UTF-8"' }))).toBe(true);
    expect(isPlainText(new Headers({ 'Content-Encoding': 'gzip' }))).toBe(false);
    expect(isPlainText(new Headers({ 'Content-Type': 'text/x; charset=utf-16' }))).toBe(false);
  });
});

describe('the path of a URL as a client wrote it', () => {
  it.each([
    ['https://a.example/x?y', '/x'],
    ['https://a.example/x#y', '/x'],
    ['https://a.example:8443/x/y', '/x/y'],
    ['https://a.example/?/x', '/'],
    ['https://a b/x', '/x'],
    ['https://a.example/public\\..\\admin', '/public\\..\\admin'],
    ['https://a.example/a/./b/../c', '/a/./b/../c'],
    ['https://a.example/a/b%2Fc;v=1/', '/a/b%2Fc;v=1/'],
  ])('%s is %s', (url, path) => {
    expect(sentPath(url)).toBe(path);
  });
});

describe('the parameters of a route', () => {
  it.each([
    ['/t/:tenant/*', '/t/acme/x', { tenant: 'acme' }],
    ['/t/:tenant/*', '//t//ACME//x', { tenant: 'acme' }],
    ['/t/:tenant/*', '/T/%61c%4De;v=1/x/..', { tenant: 'acme' }],
    ['/t/:tenant/*', '/t/x%2f..%2facme/y', { tenant: 'acme' }],
    ['/t/:tenant/:id', '/t/acme/a%00b', { tenant: 'acme', id: 'a' }],
    ['/files/:name', '/files/a%2Fb', { name: 'a%2fb' }],
    ['/:year-:month/:name.pdf', '/2026-05/caf%C3%89.PDF', { year: '2026', month: '05', name: 'café' }],
    ['/*/of/:id', '/a/b/of/7/', { id: '7' }],
    ['/n/:id(\\d+)', '/N/%35', { id: '5' }],
    ['/n/:id(\\d+)', '/n/x', {}],
    ['/items/:id?', '/items/7', { id: '7' }],
    ['/items/:id?', '/items/', {}],
    ['/users/:id/posts{/:post}?', '/users/5/POSTS/9', { id: '5', post: '9' }],
    ['/v1/:rest*', '/v1/a/b', {}],
    ['/plain', '/plain', {}],
    ['/t/:tenant', '/elsewhere/x/y', {}],
    ['/t/:tenant/items', '/t/acme/items.json', { tenant: 'acme' }],
    ['/t/:tenant/items', '/t/acme/items.tar.gz', { tenant: 'acme' }],
    ['/t/:tenant/run.php', '/t/acme/run.php/0', { tenant: 'acme' }],
    ['/t/:tenant/items', '/index.php/t/acme/items', { tenant: 'acme' }],
    ['/t/:tenant/items', '/index.php/t/acme/items.json', { tenant: 'acme' }],
    ['/t/:tenant', '/t/acme;/x/y', { tenant: 'acme' }],
    ['/t/:tenant/items', '/t%2fa%00cme/items', { tenant: 'acme' }],
    ['/t/:tenant', '/t/acme..', { tenant: 'acme' }],
    ['/t/:tenant', '/t/acme.json', { tenant: 'acme.json' }],
    ['/t/:tenant([^.]+)', '/t/acme.json', { tenant: 'acme' }],
  ])('%s in %s', (match, path, params) => {
    expect(paramsOf({ match }, path)).toEqual(params);
  });

  it('are the same however the path is spelled that leads to the route', () => {
    const spelled = fc.tuple(
      fc.constantFrom('', '/', '/.', '/x/..', '/index.php', '/App.PHP', '/x%2f..'),
      fc.constantFrom('/', '//', '%2f', '/%2e/', '/y/../'),
      fc.constantFrom('acme', 'ACME', '%61cme', 'acme;v=1', 'acme.', 'a%2563me', 'a%09cme', '\uff41cme'),
      fc.constantFrom('/', '//', '%5c', ';/'),
      fc.constantFrom(
        'items',
        'ITEMS',
        'items.json',
        'items.a.b',
        'items;x',
        'items/',
        'items.',
        'items%00z',
      ),
    );
    const match = '/t/:team/items';
    const config = configOf([{ name: 'team', match }]);
    fc.assert(
      fc.property(spelled, ([before, a, team, b, last]) => {
        const path = `${before}/t${a}${team}${b}${last}`;
        expect(ask(config, path).name).toContain('team');
        expect(paramsOf({ match }, path)).toEqual({ team: 'acme' });
      }),
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
