// `npm run check`: what a configuration means, and what is wrong or unsafe about it, before it is deployed.

import { type Examined, examine } from './check/examine.ts';
import type { Finding } from './check/finding.ts';
import { type LiveSource, liveSources, liveText } from './check/live.ts';
import { notesOn } from './check/notes.ts';
import { type PolicyRow, policyRows } from './check/policy-rows.ts';
import { chooseTarget, readTargets, type Target } from './check/targets.ts';
import { asJson, command, flag, paint, printable, say, table, text } from './cli.ts';

interface Checked extends Examined, Pick<Target, 'name' | 'deployed'> {
  readonly notes: readonly string[];
  /** What fetching the issuers' metadata and keys found; undefined without `--live`. */
  readonly live: readonly LiveSource[] | undefined;
}

const chosen = (targets: readonly Target[], environment: string | undefined): readonly Target[] =>
  environment === undefined ? targets : [chooseTarget(targets, environment || undefined, true)];

const checkedOf = async (target: Target, live: boolean): Promise<Checked> => {
  const examined = examine(target);
  const { config } = examined;
  const notes = notesOn(target, config);
  return { ...target, ...examined, notes, live: live && config ? await liveSources(config) : undefined };
};

/** @returns the exit code: 1 with errors, and where `strict` with warnings. */
const verdict = (checked: readonly Checked[], strict: boolean): 0 | 1 =>
  checked.some(
    ({ findings, live = [] }) =>
      findings.some(({ level }) => strict || level === 'error') ||
      live.some(({ failure }) => failure !== undefined),
  )
    ? 1
    : 0;

const jsonOf = (checked: readonly Checked[], ok: boolean): string => {
  const targets = checked.map(({ name, deployed, config, findings, notes, live }) => ({
    name,
    deployed,
    findings,
    live,
    policies: config ? policyRows(config) : [],
    notes,
  }));
  return asJson({ ok, targets });
};

/** A target that is only run locally shows no policies. */
const textOf = ({ name, deployed, config, findings, notes, live = [] }: Checked): string => {
  const title = paint('bold', name);
  const policies = config && deployed ? `\n${policyTable(policyRows(config))}\n` : '';
  const found = findings.length === 0 ? `${paint('green', 'ok')}\n` : findings.map(findingText).join('');
  const noted = deployed ? notes.map((note) => `${paint('dim', 'note')} ${printable(note)}\n`) : [];
  const keys = liveText(live).map((line) => `${printable(line)}\n`);
  return `${title}\n${policies}\n${found}${noted.join('')}${keys.join('')}`;
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

const findingText = ({ level, code, message, fix }: Finding): string =>
  `${paint(level === 'error' ? 'red' : 'yellow', level)} ${paint('bold', code)}  ${printable(message)}\n  ${printable(fix)}\n`;

await command({
  name: 'check',
  about: `Reads the configuration as wrangler and the Worker would, each environment of it and .dev.vars too; shows the policies
in effect, names what is wrong (error) or unsafe (warning), and says what to write instead.`,
  options: {
    config: text(
      '<path>',
      'default: wrangler.json, wrangler.jsonc or wrangler.toml, the first that is there',
    ),
    env: text('<name>', 'one environment alone, "" for the top level; default: all of them'),
    strict: flag('exit code 1 with warnings, too'),
    live: flag(
      'fetch the issuers’ metadata and keys too, and say what was found; exit code 1 where that fails',
    ),
    json: flag('for scripts: { ok, targets: [{ name, deployed, policies, findings, notes, live }] }'),
  },
  notes: 'Exit code: 0 without errors, 1 with errors, 2 for wrong use.',
  async run({ config, env, strict, live, json }) {
    const checked = await Promise.all(
      chosen(readTargets(config), env).map((target) => checkedOf(target, live)),
    );
    const code = verdict(checked, strict);
    return say(json ? jsonOf(checked, code === 0) : checked.map(textOf).join('\n'), code);
  },
});
