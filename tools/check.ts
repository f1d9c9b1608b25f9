// npm run check: what a configuration means, and what is wrong or unsafe about it, before it is deployed.
import { parseArgs } from 'node:util';
import { type Examined, examine } from './check/examine.ts';
import type { Finding } from './check/finding.ts';
import { type PolicyRow, policyRows } from './check/policy-rows.ts';
import { readTargets } from './check/targets.ts';
import { paint, run, table } from './cli.ts';

const HELP = `Reads wrangler.toml, each of its environments, and .dev.vars as the Worker would; shows the policies in effect and
names what is wrong (error) or unsafe (warning).

Usage: npm run check -- [--config <path>] [--json]

  --config <path>  the wrangler.toml to read; default: ./wrangler.toml
  --json           for scripts: { ok, targets: [{ name, deployed, policies, findings }] }
  --help

Exit code: 0 without errors, 1 with errors, 2 for wrong use.
`;

const OPTIONS = {
  config: { type: 'string', default: 'wrangler.toml' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

interface Checked extends Examined {
  readonly name: string;
  readonly deployed: boolean;
}

const main = (): number => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return say(HELP, 0);
  const checked = readTargets(values.config).map((target): Checked => ({ ...target, ...examine(target) }));
  const failed = checked.some(({ findings }) => findings.some(({ level }) => level === 'error'));
  return say(values.json ? asJson(checked, !failed) : checked.map(asText).join('\n'), failed ? 1 : 0);
};

const say = (text: string, code: number): number => {
  process.stdout.write(text);
  return code;
};

const asJson = (checked: readonly Checked[], ok: boolean): string => {
  const targets = checked.map(({ name, deployed, config, findings }) => ({
    ...{ name, deployed, findings },
    policies: config ? policyRows(config) : [],
  }));
  return `${JSON.stringify({ ok, targets }, undefined, 2)}\n`;
};

/** Of what is only run locally, no more than what would keep it from running. */
const asText = ({ name, deployed, config, findings }: Checked): string => {
  const title = paint('bold', name);
  const policies = config && deployed ? `\n${policyTable(policyRows(config))}\n` : '';
  const verdict = findings.length === 0 ? `${paint('green', 'ok')}\n` : findings.map(findingText).join('');
  return `${title}\n${policies}\n${verdict}`;
};

const policyTable = (rows: readonly PolicyRow[]): string =>
  table(
    ['ROUTE', 'MATCH', 'METHODS', 'CALLER', 'MODE', 'COST', 'POLICIES'],
    rows.map((row) => [
      row.route,
      row.match,
      row.methods,
      row.caller,
      row.mode,
      String(row.cost),
      policiesText(row),
    ]),
  );

const policiesText = ({ policies }: PolicyRow): string =>
  Object.entries(policies)
    .map(([kind, names]) => `${kind}: ${names.join(', ')}`)
    .join(' · ') || 'none';

const findingText = ({ level, code, message, mend }: Finding): string =>
  `${paint(level === 'error' ? 'red' : 'yellow', level)} ${paint('bold', code)}  ${printable(message)}\n  ${mend}\n`;

/** Vars are text from a file: none of it may steer the terminal. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, ' ');

await run(main);
