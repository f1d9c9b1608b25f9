// `npx weir-edge <command>`: every command, by its name. `bin/weir-edge.js` starts it.
import { nearNames } from '../src/config/near-names.ts';
import { calledAs, run, say, UsageError } from './cli.ts';

interface Entry {
  readonly about: string;
  /** Runs it with this process's arguments. */
  readonly start: () => Promise<unknown>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  status: {
    about: 'whether Weir works, and the configuration in force',
    start: async () => (await import('./weir/verbs.ts')).status(),
  },
  subject: {
    about: 'permits left, override and revocations of a subject',
    start: async () => (await import('./weir/verbs.ts')).subject(),
  },
  look: {
    about: 'the same for an organisation, a team or everyone: whatever limits count by',
    start: async () => (await import('./weir/verbs.ts')).look(),
  },
  reset: {
    about: 'forgets what a subject spent',
    start: async () => (await import('./weir/verbs.ts')).reset(),
  },
  override: {
    about: 'other limits for a subject for a while: 10/minute, none or blocked',
    start: async () => (await import('./weir/verbs.ts')).override(),
  },
  revoke: {
    about: 'refuses tokens of a subject, or one token',
    start: async () => (await import('./weir/verbs.ts')).revoke(),
  },
  who: {
    about: 'who is behind a partition in the log',
    start: async () => (await import('./weir/verbs.ts')).who(),
  },
  list: {
    about: 'overrides and revocations in force',
    start: async () => (await import('./weir/verbs.ts')).list(),
  },
  tail: {
    about: 'log lines as they happen',
    start: async () => (await import('./weir/tail.ts')).tail(),
  },
  top: {
    about: 'who is refused most, as it happens',
    start: async () => (await import('./weir/top.ts')).top(),
  },
  init: {
    about: 'writes a project that deploys Weir, without a clone of it',
    start: () => import('./init.ts'),
  },
  check: {
    about: 'what a configuration means, and what is wrong with it',
    start: () => import('./check.ts'),
  },
  explain: {
    about: 'which limits a request meets, and why',
    start: () => import('./explain.ts'),
  },
  token: {
    about: 'a token for the demo, or for wrangler dev',
    start: () => import('./token.ts'),
  },
  audit: {
    about: 'whether the limits of any API hold, seen from outside',
    start: () => import('./audit/audit.ts'),
  },
  mcp: {
    about: 'the audit, for assistants',
    start: () => import('./audit/mcp.ts'),
  },
};

const NAMES = Object.keys(COMMANDS);

const help = (): string => {
  const width = Math.max(...NAMES.map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  return `Weir: exact rate limits by verified token, at Cloudflare's edge.

Usage: npx weir-edge <command> [options]

${lines.join('\n')}

npx weir-edge <command> --help shows its options. Exit code of every command: 2 for wrong use.
`;
};

const [name = '', ...rest] = process.argv.slice(2);
const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (entry === undefined)
  await run(() => {
    if (name === '--help' || name === '-h' || name === 'help') return say(help());
    const [near] = nearNames(name, NAMES);
    const meant = near === undefined ? 'see --help' : `did you mean ${near}?`;
    throw new UsageError(`expected one of ${NAMES.join(', ')}; ${meant}`);
  });
else {
  calledAs('npx weir-edge');
  process.argv = [...process.argv.slice(0, 2), ...rest];
  await entry.start();
}
