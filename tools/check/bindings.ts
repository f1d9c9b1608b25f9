// Bindings: those that Weir needs and lacks, and those that it does not find under their names.
import { nearNames } from '../../src/config/near-names.ts';
import { listOf, type Table, tableOf } from './config-file.ts';
import { error, type Finding, warning } from './finding.ts';

interface Kind {
  /** What it is called in a message. */
  readonly what: string;
  /** Its entries in the configuration file. */
  readonly entries: (settings: Table) => readonly Table[];
  /** The key of an entry that holds the binding's name. */
  readonly key: 'name' | 'binding';
  /** Where an entry is written, in TOML. */
  readonly table: string;
}

const tables = (value: unknown): readonly Table[] => listOf(value).map(tableOf);

const OBJECT: Kind = {
  what: 'Durable Object',
  entries: ({ durable_objects }) => tables(tableOf(durable_objects).bindings),
  key: 'name',
  table: 'durable_objects.bindings',
};

const RATE_LIMIT: Kind = {
  what: 'rate limiting binding',
  // Before `ratelimits` existed, they were declared as unsafe.
  entries: ({ ratelimits, unsafe }) => [
    ...tables(ratelimits),
    ...tables(tableOf(unsafe).bindings).filter(({ type }) => type === 'ratelimit'),
  ],
  key: 'name',
  table: 'ratelimits',
};

const DATASET: Kind = {
  what: 'Analytics Engine dataset',
  entries: ({ analytics_engine_datasets }) => tables(analytics_engine_datasets),
  key: 'binding',
  table: 'analytics_engine_datasets',
};

const SERVICE: Kind = {
  what: 'service',
  entries: ({ services }) => tables(services),
  key: 'binding',
  table: 'services',
};

interface Ours {
  readonly kind: Kind;
  readonly isRequired: boolean;
}

/** The bindings of `src/bindings.ts`, whose types only exist in a Worker. */
const OURS = {
  LIMITER: { kind: OBJECT, isRequired: true },
  AUTH_FAILURES: { kind: RATE_LIMIT, isRequired: true },
  DIRECTORY: { kind: OBJECT, isRequired: false },
  PULSE: { kind: OBJECT, isRequired: false },
  ANALYTICS: { kind: DATASET, isRequired: false },
  ORIGIN: { kind: SERVICE, isRequired: false },
} as const satisfies Readonly<Record<string, Ours>>;

type Name = keyof typeof OURS;

const NAMES = Object.keys(OURS) as Name[];

/** The Limiter's class, as Weir exports it. */
const CLASS = 'Limiter';

/** @param isOurWorker whether nothing but Weir reads the bindings. */
export const bindingFindings = (settings: Table, isOurWorker: boolean): readonly Finding[] => [
  ...NAMES.filter((name) => OURS[name].isRequired && !isBound(settings, name)).map((name) =>
    missing(settings, name),
  ),
  ...[OBJECT, RATE_LIMIT, DATASET, SERVICE].flatMap((kind) => misnamed(settings, kind, isOurWorker)),
  ...classFindings(settings),
  ...periodFindings(settings),
];

/** Whether a binding of ours is there. */
export const isBound = (settings: Table, name: Name): boolean => entryOf(settings, name) !== undefined;

const entryOf = (settings: Table, name: Name): Table | undefined => {
  const { kind } = OURS[name];
  return kind.entries(settings).find((entry) => entry[kind.key] === name);
};

const missing = (settings: Table, name: Name): Finding => {
  const { kind } = OURS[name];
  const others = kind.entries(settings).map((entry) => String(entry[kind.key]));
  const near = others.find((other) => nearNames(other, [name]).length > 0);
  return error(
    'missing-binding',
    `The ${kind.what} ${name} is not bound.`,
    near === undefined
      ? `Copy \`[[${kind.table}]]\` of Weir's own wrangler.toml; environments do not inherit bindings.`
      : `Write \`${kind.key} = "${name}"\` in place of \`${kind.key} = "${near}"\` in \`[[${kind.table}]]\`.`,
  );
};

/** Those that Weir needs are reported as missing. */
const misnamed = (settings: Table, kind: Kind, isOurWorker: boolean): readonly Finding[] => {
  const wanted = NAMES.filter((name) => OURS[name].kind === kind);
  const absent = wanted.filter((name) => !OURS[name].isRequired && !isBound(settings, name));
  return kind
    .entries(settings)
    .map((entry) => String(entry[kind.key]))
    .filter((name) => !wanted.some((ours) => ours === name))
    .flatMap((name) => {
      const meant = absent.filter((ours) => isOurWorker || nearNames(name, [ours]).length > 0);
      if (meant.length === 0) return [];
      const lines = meant.map((ours) => `\`${kind.key} = "${ours}"\``).join(' or ');
      return [
        warning(
          'misnamed-binding',
          `Weir does not read the ${kind.what} ${name}.`,
          `Write ${lines} in \`[[${kind.table}]]\`, the names that it reads, or remove it.`,
        ),
      ];
    });
};

/** The class must be ours, and its objects must have SQLite, which is chosen when the class is first declared. */
const classFindings = (settings: Table): readonly Finding[] => {
  const { class_name, script_name } = entryOf(settings, 'LIMITER') ?? {};
  if (class_name === undefined || script_name !== undefined) return [];
  const migrations = tables(settings.migrations);
  const withoutSql =
    migrations.some(({ new_classes }) => listOf(new_classes).includes(CLASS)) ||
    tableOf(tableOf(settings.exports)[CLASS]).storage === 'legacy-kv';
  const found: Finding[] = [];
  if (class_name !== CLASS)
    found.push(
      error(
        'missing-binding',
        `LIMITER is bound to the class ${class_name}, which Weir does not export.`,
        `Write \`class_name = "${CLASS}"\`.`,
      ),
    );
  if (withoutSql)
    found.push(
      error(
        'missing-binding',
        `${CLASS} is declared without SQLite, where it keeps what was spent.`,
        `Write \`new_sqlite_classes = ["${CLASS}"]\` in place of \`new_classes\`, or \`storage = "sqlite"\`.`,
      ),
    );
  return found;
};

/** The platform has two periods and no others. */
const periodFindings = (settings: Table): readonly Finding[] => {
  const { period } = tableOf(entryOf(settings, 'AUTH_FAILURES')?.simple);
  if (period === undefined || period === 10 || period === 60) return [];
  return [
    error(
      'missing-binding',
      `AUTH_FAILURES has a period of ${period} seconds; there are only 10 and 60.`,
      'Write `simple = { limit = 60, period = 60 }`.',
    ),
  ];
};
