// The files of a new project, as text. Pure.
import { asJson } from '../cli.ts';

/** What `init` asks about a project. */
export interface Answers {
  /** Of the Worker. */
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly limits: string;
  /** A zone route such as `api.example.com/*`; empty: reached at workers.dev. */
  readonly route: string;
  /** Where requests go; empty: the zone's own origin. */
  readonly origin: string;
}

/** The compatibility date of Weir's own `wrangler.toml`. */
export const COMPATIBILITY_DATE = '2026-10-20';

/** The files to write, by their paths in the project. */
export const filesOf = (answers: Answers): Readonly<Record<string, string>> => ({
  'wrangler.jsonc': wranglerJsonc(answers),
  'src/index.ts': INDEX,
  '.dev.vars.example': DEV_VARS,
});

const wranglerJsonc = (answers: Answers): string =>
  `// ${'`npx weir-edge check`'} says what this means, and what is wrong with it.\n${asJson(settingsOf(answers))}`;

/** What `wrangler.jsonc` says. */
export const settingsOf = ({ name, issuer, audience, limits, route, origin }: Answers) => ({
  $schema: 'node_modules/wrangler/config-schema.json',
  name,
  main: 'src/index.ts',
  compatibility_date: COMPATIBILITY_DATE,
  compatibility_flags: ['enable_request_signal', 'request_signal_passthrough'],
  workers_dev: route === '',
  preview_urls: false,
  ...(route === '' ? {} : { routes: [zoneRoute(route)] }),
  durable_objects: { bindings: [{ name: 'LIMITER', class_name: 'Limiter' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Limiter'] }],
  ratelimits: [{ name: 'AUTH_FAILURES', namespace_id: '1001', simple: { limit: 60, period: 60 } }],
  // Weir logs refusals itself; a line for every invocation would be paid for and say nothing.
  observability: { enabled: true, logs: { enabled: true, invocation_logs: false } },
  vars: {
    JWT_ISSUER: issuer,
    ...(audience === '' ? {} : { JWT_AUDIENCE: audience }),
    LIMITS: limits,
    ...(origin === '' ? {} : { ORIGIN_URL: origin }),
  },
});

/** Two labels under which names are registered, such as `co.uk`. */
const SUFFIX = /^(ac|co|com|edu|go|gov|ne|net|or|org)\.[a-z]{2}$/;

/** The zone is the name that was registered. */
const zoneRoute = (pattern: string): object => {
  const [host = ''] = pattern.replace(/^https?:\/\//, '').split('/');
  const labels = host.replace(/^\*\.?/, '').split('.');
  return { pattern, zone_name: labels.slice(SUFFIX.test(labels.slice(-2).join('.')) ? -3 : -2).join('.') };
};

const INDEX = `import { Hono } from 'hono';
import { admin, proxy, weir } from 'weir-edge';

const app = new Hono();

app.route('/.weir', admin({ env: true }));
app.use(weir({ env: true }));
// Your own routes go here; everything else goes to the origin.
app.all('*', proxy({ env: true }));

export default app;
export { Limiter } from 'weir-edge';
`;

const DEV_VARS = `# For \`npx wrangler dev\`. Copy it to .dev.vars, which must not be committed, and say there whose tokens to trust:
#   npx weir-edge token --dev-vars >> .dev.vars     makes it trust the tokens that \`npx weir-edge token\` prints
ORIGIN_URL="http://127.0.0.1:3000"
# ADMIN_TOKEN="at least 32 characters"              turns the admin API on
# PARTITION_SECRET="at least 16 characters"         names callers in the log
`;

/** What a project must have installed. */
export const DEPENDENCIES = { hono: '^4.13.0' } as const;
export const DEV_DEPENDENCIES = { wrangler: '^4.155.0' } as const;

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/**
 * A `package.json` with what the project needs, beside what it has already.
 * @param weir the version range of `weir-edge`.
 */
export const manifestOf = (name: string, known: Manifest | undefined, weir: string): string => {
  const { scripts, dependencies, devDependencies, ...rest } = known ?? {
    name,
    private: true,
    type: 'module',
  };
  return asJson({
    ...rest,
    scripts: {
      check: 'weir-edge check',
      dev: 'wrangler dev',
      deploy: 'weir-edge check --strict && wrangler deploy',
      ...scripts,
    },
    dependencies: { 'weir-edge': weir, ...DEPENDENCIES, ...dependencies },
    devDependencies: { ...DEV_DEPENDENCIES, ...devDependencies },
  });
};

/** Lines that `.gitignore` must have. */
const IGNORED = ['node_modules/', '.wrangler/', '.dev.vars'];

export const gitignoreOf = (known: string): string => {
  const lines = known.split('\n');
  const missing = IGNORED.filter((line) => !lines.includes(line));
  const start = known === '' || known.endsWith('\n') ? known : `${known}\n`;
  return missing.length === 0 ? known : `${start}${missing.join('\n')}\n`;
};
