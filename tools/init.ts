// `npx weir-edge init`: a project that deploys Weir, without a clone of it.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import { ConfigError, parseConfig } from '../src/config/config.ts';
import { examine } from './check/examine.ts';
import type { Finding } from './check/finding.ts';
import { fixOf } from './check/fixes.ts';
import { readTargets, targetsIn } from './check/targets.ts';
import { command, flag, say, text, UsageError } from './cli.ts';
import { type Answers, filesOf, gitignoreOf, manifestOf, settingsOf } from './init/files.ts';
import { version } from './version.ts';

interface Question {
  readonly asks: string;
  /** What an empty answer means; undefined: an answer is required. */
  readonly fallback: string | undefined;
  /** The var that the answer becomes. */
  readonly variable?: string;
}

const QUESTIONS: Readonly<Record<Exclude<keyof Answers, 'name'>, Question>> = {
  issuer: {
    asks: 'Whose tokens to trust: their `iss`, such as https://login.example.com/',
    fallback: undefined,
    variable: 'JWT_ISSUER',
  },
  audience: {
    asks: 'The `aud` of tokens for this API (empty: any)',
    fallback: '',
    variable: 'JWT_AUDIENCE',
  },
  limits: { asks: 'Limits of a caller (empty: 100/minute)', fallback: '100/minute', variable: 'LIMITS' },
  route: { asks: 'Zone route to guard, such as api.example.com/* (empty: workers.dev)', fallback: '' },
  origin: {
    asks: 'Where requests go, a URL (empty: the zone’s own origin)',
    fallback: '',
    variable: 'ORIGIN_URL',
  },
};

type Name = keyof typeof QUESTIONS;

type Given = Readonly<Record<Name, string | undefined>>;

/** What has been answered so far. */
type Answered = Readonly<Partial<Record<Name, string>>>;

const UNANSWERED: Answers = {
  name: 'weir',
  issuer: 'https://login.example.com/',
  audience: '',
  limits: '1/minute',
  route: '',
  origin: '',
};

/** What is wrong with an answer, and what to write instead; undefined: nothing. */
const faultOf = (name: Name, answer: string, before: Answered): string | undefined => {
  const { variable, fallback } = QUESTIONS[name];
  if (answer === '') return fallback === undefined ? 'An answer is required.' : undefined;
  const vars = { JWT_ISSUER: UNANSWERED.issuer, ...(variable && { [variable]: answer }) };
  try {
    parseConfig(vars);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    return first && `${first.problem}. ${fixOf({ ...first, vars })}`;
  }
  const known = errorsOf(before).map(({ message }) => message);
  const found = errorsOf({ ...before, [name]: answer }).find(({ message }) => !known.includes(message));
  return found && `${found.message} ${found.fix}`;
};

/** What `check` would refuse of a project with these answers; an address of this machine's may be there to try it. */
const errorsOf = (answered: Answered): readonly Finding[] =>
  targetsIn(settingsOf({ ...UNANSWERED, ...answered }), '')
    .filter(({ deployed }) => deployed)
    .flatMap((target) => examine(target).findings)
    .filter(({ level, code }) => level === 'error' && code !== 'local-address');

/** Takes answers from options, and prompts for the rest. @throws {UsageError} for an option whose value is wrong. */
const answersOf = async (given: Given, yes: boolean): Promise<Omit<Answers, 'name'>> => {
  const prompts = createInterface({ input: process.stdin, output: process.stderr });
  const lines = prompts[Symbol.asyncIterator]();
  const answers: Partial<Record<Name, string>> = {};
  try {
    for (const name of Object.keys(QUESTIONS) as Name[]) {
      const option = given[name] ?? (yes ? QUESTIONS[name].fallback : undefined);
      answers[name] =
        option === undefined ? await ask(prompts, lines, name, answers) : checked(name, option, answers);
    }
  } finally {
    prompts.close();
  }
  return answers as unknown as Omit<Answers, 'name'>;
};

const checked = (name: Name, option: string, before: Answered): string => {
  const fault = faultOf(name, option, before);
  if (fault !== undefined) throw new UsageError(`--${name}: ${fault}`);
  return option;
};

/** Asks until an answer is valid. @throws {UsageError} at the end of the input. */
const ask = async (
  prompts: Interface,
  lines: AsyncIterator<string>,
  name: Name,
  before: Answered,
): Promise<string> => {
  const question = QUESTIONS[name];
  for (;;) {
    prompts.setPrompt(`${question.asks}\n> `);
    prompts.prompt();
    const { done, value } = await lines.next();
    if (done)
      throw new UsageError(`--${name}: expected an answer; with --yes, what is left out has its default`);
    const answer = value.trim();
    const fault = faultOf(name, answer, before);
    if (fault === undefined) return answer === '' ? (question.fallback ?? '') : answer;
    process.stderr.write(`${fault}\n`);
  }
};

const write = (path: string, content: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};

const readIfThere = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** What is left to do, as commands to paste. */
const next = (folder: string): string => `
Next:
${folder === '.' ? '' : `  cd ${/^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`}\n`}  npm install
  cp .dev.vars.example .dev.vars && npx weir-edge token --dev-vars >> .dev.vars
  npx wrangler dev                            # in another terminal:
  curl -i -H "Authorization: Bearer $(npx weir-edge token)" http://127.0.0.1:8787/

  npx wrangler login && npm run deploy        # when it does what it should
`;

await command({
  name: 'init',
  usage: '[folder] [options]',
  about: `Writes a project that deploys Weir: wrangler.jsonc, src/index.ts, .dev.vars.example, and what is missing in
package.json and .gitignore. Asks what the options leave open.`,
  options: {
    issuer: text('<iss>', 'whose tokens to trust'),
    audience: text('<aud>', 'of tokens that are for this API'),
    limits: text('<limits>', 'of a caller, such as "10/second; 1000/hour"'),
    route: text('<pattern>', 'the zone route to guard, such as api.example.com/*'),
    origin: text('<url>', 'where requests go; default: the zone’s own origin'),
    name: text('<name>', 'of the Worker; default: that of the folder'),
    yes: flag('asks nothing: what is left out has its default'),
    force: flag('replaces files that are there'),
  },
  positionals: 1,
  async run({ name, yes, force, ...given }, [folder = '.']) {
    const answers = await answersOf(given, yes);
    const root = resolve(folder);
    if (existsSync(root) && !statSync(root).isDirectory())
      throw new UsageError(`${folder}: expected a folder`);
    const worker = (name ?? basename(root))
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '');
    const files = filesOf({ ...answers, name: worker });
    const there = Object.keys(files).filter((path) => existsSync(join(root, path)));
    if (there.length > 0 && !force)
      throw new UsageError(`${there.join(', ')}: already there; --force replaces what init writes`);
    for (const [path, content] of Object.entries(files)) write(join(root, path), content);
    const manifest = join(root, 'package.json');
    const known = readIfThere(manifest);
    write(manifest, manifestOf(worker, known === '' ? undefined : JSON.parse(known), `^${version()}`));
    write(join(root, '.gitignore'), gitignoreOf(readIfThere(join(root, '.gitignore'))));
    const findings = readTargets(join(root, 'wrangler.jsonc')).flatMap((target) => examine(target).findings);
    const told = findings.map(({ level, message, fix }) => `${level}: ${message}\n  ${fix}\n`).join('');
    return say(
      `Wrote ${Object.keys(files).join(', ')}, package.json and .gitignore.\n${told}${next(folder)}`,
    );
  },
});
