// npm run explain: which route, tier, partitions and policies a request meets, at which cost, and why.
import { parseArgs } from 'node:util';
import type { Config } from '../src/config/types.ts';
import { examine } from './check/examine.ts';
import { readTargets } from './check/targets.ts';
import { paint, run, table, UsageError } from './cli.ts';
import { type ExplainedPartition, type Explanation, explain, type Question } from './explain/explanation.ts';
import { type Answer, ask } from './explain/remaining.ts';

const HELP = `Says which route, tier, partitions and policies a request meets, at which cost, and why. Reads wrangler.toml; the token
is decoded, not verified, and overrides and revocations are not looked at.

Usage: npm run explain -- [options] [METHOD] URL

  --token <jwt>     the caller's token; without one the caller is anonymous
  --address <ip>    the client's address
  --preflight       explain the CORS preflight of the request
  --weir <url>      also send the request to a running Weir, and show what is left; this spends permits
  --config <path>   the wrangler.toml to read; default: ./wrangler.toml
  --env <name>      an environment of it; default: its top level
  --local           with .dev.vars laid over, as wrangler dev does
  --json            for scripts
  --help

Exit code: 0, 1 where the configuration is wrong or Weir does not answer, 2 for wrong use.
`;

const OPTIONS = {
  token: { type: 'string' },
  address: { type: 'string' },
  preflight: { type: 'boolean', default: false },
  weir: { type: 'string' },
  config: { type: 'string', default: 'wrangler.toml' },
  env: { type: 'string', default: 'production' },
  local: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) return say(HELP);
  const question = questionOf(values, positionals);
  const explanation = await explain(
    readConfig(values.config, values.env + (values.local ? ', local' : '')),
    question,
  );
  const answer = values.weir === undefined ? undefined : await askAloud(values.weir, question);
  return say(values.json ? asJson(explanation, answer) : asText(question, explanation, answer));
};

const say = (text: string): number => {
  process.stdout.write(text);
  return 0;
};

const questionOf = (
  { token, address, preflight }: { token?: string; address?: string; preflight: boolean },
  positionals: readonly string[],
): Question => {
  const [method, url, ...more] = positionals.length === 1 ? ['GET', ...positionals] : positionals;
  if (method === undefined || url === undefined || more.length > 0)
    throw new UsageError('expected a method and a URL, such as GET https://api.example.com/api/search');
  return { method: method.toUpperCase(), url, token, address, preflight };
};

const readConfig = (path: string, name: string): Config => {
  const targets = readTargets(path);
  const target = targets.find((each) => each.name === name);
  if (target === undefined)
    throw new UsageError(
      `${path} has no environment ${name}, only ${targets.map((each) => each.name).join('; ')}`,
    );
  const { config, findings } = examine(target);
  if (config === undefined) throw new Error(findings.map(({ message }) => message).join('\n'));
  return config;
};

/** On the other stream, so that `--json` stays JSON. */
const askAloud = (weir: string, question: Question): Promise<Answer> => {
  if (!URL.canParse(weir)) throw new UsageError(`${weir}: expected the address of a running Weir`);
  process.stderr.write(
    `Sending ${question.method} ${new URL(question.url).pathname} to ${weir}, which spends permits.\n`,
  );
  return ask(weir, question);
};

const asJson = (explanation: Explanation, answer: Answer | undefined): string => {
  const { name, auth, mode, scopes } = explanation.route;
  const left = answer && { status: answer.status, left: Object.fromEntries(answer.left) };
  return `${JSON.stringify({ ...explanation, route: { name, auth, mode, scopes }, answer: left }, undefined, 2)}\n`;
};

const asText = (question: Question, explanation: Explanation, answer: Answer | undefined): string => {
  const { route, refusal, reasons } = explanation;
  const facts = [
    ['route', `${route.name} (auth ${route.auth}, ${route.mode})`],
    ...readingFacts(explanation),
    ['caller', callerText(explanation)],
    ...(explanation.tier === undefined ? [] : [['tier', explanation.tier]]),
    ...reasons.map((reason) => ['why', reason]),
    ...(refusal ? [['refused', paint('red', `${refusal.status}: ${refusal.why}`)]] : []),
    ...(answer ? [['answer', String(answer.status)]] : []),
  ];
  const title = paint('bold', `${question.method} ${question.url}`);
  return `${title}\n\n${table(['', ''], facts).trimStart()}\n\n${spendingText(explanation, answer)}\n`;
};

const spendingText = ({ refusal, partitions }: Explanation, answer: Answer | undefined): string => {
  const policies = partitions.flatMap((partition) => partition.policies);
  if (policies.length === 0) return refusal ? 'It spends nothing.' : 'It spends nothing: no policy applies.';
  return `${refusal ? 'Were it accepted, it would spend:' : 'It spends:'}\n\n${policyTable(partitions, answer)}`;
};

/** Only where there is more than one way to read the path. */
const readingFacts = ({ readings }: Explanation): string[][] =>
  readings.length < 2 ? [] : readings.map(({ path, routes }) => ['read as', `${path}: ${routes.join(', ')}`]);

const callerText = ({ caller, subject, issuer }: Explanation): string =>
  caller === 'subject' ? `${subject} of ${issuer || 'any issuer'}` : caller;

const policyTable = (partitions: readonly ExplainedPartition[], answer: Answer | undefined): string => {
  const head = [
    'PARTITION',
    'OF',
    'POLICY',
    'ALGORITHM',
    'SET BY',
    'COST',
    ...(answer ? ['LEFT', 'RESETS IN'] : []),
  ];
  const rows = partitions.flatMap(({ kind, of, cost, policies }) =>
    policies.map(({ name, algorithm, setBy }) => [
      kind,
      of,
      name,
      algorithm,
      setBy,
      String(cost),
      ...leftOf(name, answer),
    ]),
  );
  return table(head, rows);
};

const leftOf = (name: string, answer: Answer | undefined): readonly string[] => {
  if (answer === undefined) return [];
  const left = answer.left.get(name);
  return left ? [String(left.remaining), `${left.resetSeconds} s`] : ['?', '?'];
};

await run(main);
