// npm run explain: which route, tier, partitions and policies a request meets, at which cost, and why.
import type { Config } from '../src/config/types.ts';
import { examine } from './check/examine.ts';
import { chooseTarget, readTargets } from './check/targets.ts';
import { asJson, command, flag, paint, say, secretOf, table, text, UsageError } from './cli.ts';
import { type ExplainedPartition, type Explanation, explain } from './explain/explanation.ts';
import { type Answer, ask } from './explain/remaining.ts';
import { preflightOf, type Question, requestOf } from './explain/request.ts';

const questionOf = (
  {
    token,
    address,
    preflight,
    live,
    header,
  }: Pick<Question, 'token' | 'address' | 'preflight' | 'live'> & { readonly header?: string },
  positionals: readonly string[],
): Question => {
  const [method, url, ...more] = positionals.length === 1 ? ['GET', ...positionals] : positionals;
  if (method === undefined || url === undefined || more.length > 0)
    throw new UsageError('expected a method and a URL, such as GET https://api.example.com/api/search');
  return { method: method.toUpperCase(), url, token, address, preflight, live, headers: headersOf(header) };
};

const headersOf = (header: string | undefined): Question['headers'] => {
  if (header === undefined) return [];
  const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(header) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError('expected a header such as `Cookie: session=…`');
  return [[name, value]];
};

const readConfig = (path: string | undefined, environment: string | undefined, local: boolean): Config => {
  const target = chooseTarget(readTargets(path), environment, !local);
  const { config, findings } = examine(target);
  if (target.prefix === undefined)
    throw new UsageError(
      'expected vars of Weir’s: this Worker has its options in its code, which is not read',
    );
  if (config === undefined) throw new Error(findings.map(({ message }) => message).join('\n'));
  return config;
};

/** Says so on standard error, so that the output of `--json` stays JSON. */
const askAloud = (weir: string, question: Question, config: Config): Promise<Answer> => {
  if (!URL.canParse(weir)) throw new UsageError(`${weir}: expected the address of a running Weir`);
  const request = question.preflight ? preflightOf(question) : requestOf(question, config);
  const { pathname } = new URL(request.url);
  process.stderr.write(`Sending ${request.method} ${pathname} to ${weir}, which spends permits.\n`);
  return ask(weir, request, question.address);
};

const jsonOf = (explanation: Explanation, answer: Answer | undefined): string => {
  const { name, auth, mode, scopes } = explanation.route;
  const left = answer && { status: answer.status, left: Object.fromEntries(answer.left) };
  return asJson({ ...explanation, route: { name, auth, mode, scopes }, answer: left });
};

const textOf = (question: Question, explanation: Explanation, answer: Answer | undefined): string => {
  const { route, refusal, reasons, signature } = explanation;
  const facts = [
    ['route', `${route.name} (auth ${route.auth}, ${route.mode})`],
    ...readingFacts(explanation),
    ['caller', callerText(explanation)],
    ...(explanation.tier === undefined ? [] : [['tier', explanation.tier]]),
    ...(signature === 'assumed'
      ? [['signed', 'not checked, since the issuer’s keys were not fetched: ask with --live']]
      : []),
    ...reasons.map((reason) => ['why', reason]),
    ...(refusal
      ? [
          ['refused', paint('red', `${refusal.status}: ${refusal.why}`)],
          ['reason', refusal.reason],
          ['to do', refusal.fix],
        ]
      : []),
    ...(answer ? [['answer', String(answer.status)]] : []),
  ];
  const title = paint('bold', `${question.method} ${question.url}`);
  return `${title}\n\n${table(['', ''], facts).trimStart()}\n\n${spendingText(explanation, answer)}\n`;
};

const spendingText = ({ refusal, partitions }: Explanation, answer: Answer | undefined): string => {
  const policies = partitions.flatMap((partition) => partition.policies);
  if (policies.length === 0) return refusal ? 'It spends nothing.' : 'It spends nothing: no policy applies.';
  return `${refusal ? 'If it were accepted, it would spend:' : 'It spends:'}\n\n${policyTable(partitions, answer)}`;
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
    policies.map((policy) => [
      kind,
      of,
      policy.name,
      'slots' in policy ? 'in flight' : policy.algorithm,
      policy.setBy,
      String(cost),
      ...leftOf(policy.name, answer),
    ]),
  );
  return table(head, rows);
};

const leftOf = (name: string, answer: Answer | undefined): readonly string[] => {
  if (answer === undefined) return [];
  const left = answer.left.get(name);
  return left
    ? [String(left.remaining), left.resetSeconds === undefined ? '' : `${left.resetSeconds} s`]
    : ['?', '?'];
};

await command({
  name: 'explain',
  about: `Says which route, tier, partitions and policies a request meets, at which cost, and why. Reads the configuration; the
token is judged by the Worker's own code, and its signature verified where the keys are at hand. Overrides and revocations are
not looked at.`,
  usage: '[options] [METHOD] URL',
  options: {
    token: text(
      '<jwt>',
      'the caller’s token, - to read it from standard input; without one the caller is anonymous',
    ),
    header: text('<name: value>', 'a field of the request, such as a cookie that holds the token'),
    address: text('<ip>', 'the client’s address'),
    live: flag('fetch the issuer’s keys, and verify the signature with them'),
    preflight: flag('explain the CORS preflight of the request'),
    weir: text(
      '<url>',
      'also send the request to a running Weir, and show what is left; this spends permits',
    ),
    config: text(
      '<path>',
      'default: wrangler.json, wrangler.jsonc or wrangler.toml, the first that is there',
    ),
    env: text('<name>', 'an environment of it; default: its top level'),
    local: flag('with .dev.vars laid over, as wrangler dev does'),
    json: flag('for scripts'),
  },
  positionals: 2,
  notes: 'Exit code: 0, 1 where the configuration is wrong or Weir does not answer, 2 for wrong use.',
  async run({ weir, config, env, local, json, ...about }, positionals) {
    const question = questionOf({ ...about, token: await secretOf(about.token) }, positionals);
    const read = readConfig(config, env, local);
    const explanation = await explain(read, question);
    const answer = weir === undefined ? undefined : await askAloud(weir, question, read);
    return say(json ? jsonOf(explanation, answer) : textOf(question, explanation, answer));
  },
});
