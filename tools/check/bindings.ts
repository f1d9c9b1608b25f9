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
  /** `ours`: of the deployed Worker; in another, each isolate does without. */
  readonly isRequired: boolean | 'ours';
  /** The class of a Durable Object, as Weir exports it. */
  readonly className?: string;
}

/** The bindings of `src/bindings.ts`, whose types only exist in a Worker. */
const OURS = {
  LIMITER: { kind: OBJECT, isRequired: true, className: 'Limiter' },
  AUTH_FAILURES: { kind: RATE_LIMIT, isRequired: 'ours' },
  DIRECTORY: { kind: OBJECT, isRequired: false, className: 'Directory' },
  PULSE: { kind: OBJECT, isRequired: false, className: 'Pulse' },
  ANALYTICS: { kind: DATASET, isRequired: false },
  ORIGIN: { kind: SERVICE, isRequired: false },
} as const satisfies Readonly<Record<string, Ours>>;

type Name = keyof typeof OURS;

const NAMES = Object.keys(OURS) as Name[];

/** @param isOurWorker whether nothing but Weir reads the bindings. */
export const bindingFindings = (settings: Table, isOurWorker: boolean): readonly Finding[] => [
  ...missedOf(settings, isOurWorker).map((name) => missing(settings, name)),
  ...[OBJECT, RATE_LIMIT, DATASET, SERVICE].flatMap((kind) => misnamed(settings, kind, isOurWorker)),
  ...NAMES.flatMap((name) => classFindings(settings, name)),
  ...tagFindings(settings),
  ...rateLimitFindings(settings),
];

const isRequired = (name: Name, isOurWorker: boolean): boolean =>
  OURS[name].isRequired === true || (isOurWorker && OURS[name].isRequired === 'ours');

const missedOf = (settings: Table, isOurWorker: boolean): readonly Name[] =>
  NAMES.filter((name) => isRequired(name, isOurWorker) && !isBound(settings, name));

/** Whether a binding of ours is there. */
export const isBound = (settings: Table, name: Name): boolean => entryOf(settings, name) !== undefined;

const entryOf = (settings: Table, name: Name): Table | undefined => {
  const { kind } = OURS[name];
  return kind.entries(settings).find((entry) => entry[kind.key] === name);
};

const missing = (settings: Table, name: Name): Finding => {
  const { kind } = OURS[name];
  const entries = kind.entries(settings);
  const otherKey = kind.key === 'name' ? 'binding' : 'name';
  const message = `The ${kind.what} ${name} is not bound.`;
  if (entries.some((entry) => entry[kind.key] === undefined && entry[otherKey] === name))
    return error(
      'missing-binding',
      message,
      `Write \`${kind.key} = "${name}"\` in place of \`${otherKey} = "${name}"\` in \`[[${kind.table}]]\`.`,
    );
  const near = meantFor(name, kind, settings);
  return error(
    'missing-binding',
    message,
    near === undefined
      ? `Copy \`[[${kind.table}]]\` of Weir's own wrangler.toml; environments do not inherit bindings.`
      : `Write \`${kind.key} = "${name}"\` in place of \`${kind.key} = "${near}"\` in \`[[${kind.table}]]\`.`,
  );
};

/** The name of the entry that was most likely meant for one of ours. */
const meantFor = (name: Name, kind: Kind, settings: Table): string | undefined => {
  const others = namesOf(kind, settings).filter((other) => !NAMES.some((ours) => ours === other));
  return others.find((other) => nearNames(other, [name]).length > 0);
};

const namesOf = (kind: Kind, settings: Table): readonly string[] =>
  kind
    .entries(settings)
    .flatMap((entry) => entry[kind.key] ?? [])
    .map(String);

/** Those that Weir needs are reported as missing. */
const misnamed = (settings: Table, kind: Kind, isOurWorker: boolean): readonly Finding[] => {
  const wanted = NAMES.filter((name) => OURS[name].kind === kind);
  const absent = wanted.filter((name) => !isRequired(name, isOurWorker) && !isBound(settings, name));
  const missed = missedOf(settings, isOurWorker);
  const reported = missed.flatMap((name) => [name, meantFor(name, kind, settings)]);
  return kind
    .entries(settings)
    .map((entry) => String(entry[kind.key] ?? entry.name ?? entry.binding))
    .filter((name) => !reported.some((each) => each === name))
    .filter((name) => !wanted.some((ours) => ours === name && isBound(settings, ours)))
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
const classFindings = (settings: Table, name: Name): readonly Finding[] => {
  const { className: wanted }: Ours = OURS[name];
  const { class_name, script_name } = entryOf(settings, name) ?? {};
  if (wanted === undefined || class_name === undefined || script_name !== undefined) return [];
  if (class_name !== wanted)
    return [
      error(
        'missing-binding',
        `${name} is bound to the class ${class_name}, which Weir does not export.`,
        `Write \`class_name = "${wanted}"\`.`,
      ),
    ];
  const storage = storageOf(settings, String(class_name));
  // Without `main` the file is a part of one.
  if (storage === 'sqlite' || (storage === undefined && settings.main === undefined)) return [];
  return [
    error(
      'missing-binding',
      storage === undefined
        ? `The class ${class_name} of ${name} is not declared, so that the deploy would fail.`
        : `${class_name} is declared without SQLite, where it keeps what it counts.`,
      `Write \`[exports.${class_name}]\` with \`type = "durable-object"\` and \`storage = "sqlite"\`; where the file has \`[[migrations]]\`, \`new_sqlite_classes = ["${class_name}"]\` in one of them.`,
    ),
  ];
};

/** How the class is declared; undefined: not at all. */
const storageOf = ({ migrations, exports: declared }: Table, className: string): Storage => {
  const export_ = tableOf(declared)[className];
  if (export_ !== undefined) return tableOf(export_).storage === 'sqlite' ? 'sqlite' : 'other';
  return tables(migrations).reduce<Storage>(
    (storage, migration) => afterMigration(storage, migration, className),
    undefined,
  );
};

type Storage = 'sqlite' | 'other' | undefined;

/** Migrations are applied in their order, each once. A class that was renamed, or came from another Worker, keeps its storage. */
const afterMigration = (before: Storage, migration: Table, className: string): Storage => {
  const { new_sqlite_classes, new_classes, deleted_classes } = migration;
  const moved = [...tables(migration.renamed_classes), ...tables(migration.transferred_classes)];
  if (listOf(new_sqlite_classes).includes(className)) return 'sqlite';
  if (listOf(new_classes).includes(className)) return 'other';
  if (moved.some(({ to }) => to === className)) return 'sqlite';
  const isGone = listOf(deleted_classes).includes(className) || moved.some(({ from }) => from === className);
  return isGone ? undefined : before;
};

/** Of two migrations with one tag, the second is taken for done. */
const tagFindings = ({ migrations }: Table): readonly Finding[] => {
  const tags = tables(migrations).flatMap(({ tag }) => (tag === undefined ? [] : [String(tag)]));
  const twice = tags.find((tag, index) => tags.indexOf(tag) < index);
  return twice === undefined
    ? []
    : [
        error(
          'missing-binding',
          `Two migrations have the tag \`${twice}\`, so that the second is never applied.`,
          'Give each its own, in order: `tag = "v1"`, `tag = "v2"`.',
        ),
      ];
};

/** The platform has two periods and no others, and takes a number in quotes for the namespace. */
const rateLimitFindings = (settings: Table): readonly Finding[] => {
  const entry = entryOf(settings, 'AUTH_FAILURES');
  if (entry === undefined) return [];
  const { limit, period } = tableOf(entry.simple);
  const found: Finding[] = [];
  if (period !== 10 && period !== 60)
    found.push(
      error(
        'missing-binding',
        period === undefined
          ? 'AUTH_FAILURES has no `simple = { limit, period }`.'
          : `AUTH_FAILURES has a period of ${period} seconds; there are only 10 and 60.`,
        'Write `simple = { limit = 60, period = 60 }`.',
      ),
    );
  else if (!(Number(limit) >= 1))
    found.push(
      error(
        'missing-binding',
        `AUTH_FAILURES has a limit of ${limit}, so that whoever fails once would wait.`,
        `Write \`simple = { limit = 60, period = ${period} }\`.`,
      ),
    );
  if (!/^[1-9]\d*$/.test(String(entry.namespace_id)))
    found.push(
      error(
        'missing-binding',
        'The `namespace_id` of AUTH_FAILURES is no positive whole number.',
        'Write one that no other Worker of the account has, such as `namespace_id = "1001"`.',
      ),
    );
  return found;
};
