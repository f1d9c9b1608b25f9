import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { settling } from './mutants/settling.ts';
const root = '/work/wt/keys';
const copy = mkdtempSync('/tmp/keys-mut-');
for (const name of ['bench','console','src','test','tools','vitest.config.ts','package.json','tsconfig.json','wrangler.toml']) cpSync(`${root}/${name}`, `${copy}/${name}`, { recursive: true });
symlinkSync(`${root}/node_modules`, `${copy}/node_modules`);
const words = process.argv.slice(2);
for (const { guard, file, from, to, tests } of settling) {
  if (words.length > 0 && !words.some((w) => guard.includes(w))) continue;
  const path = `${copy}/${file}`;
  const source = readFileSync(path, 'utf8');
  let said = '';
  if (source.split(from).length !== 2) said = 'DOES NOT APPLY';
  else {
    writeFileSync(path, source.replace(from, () => to));
    try { execFileSync(process.execPath, [`${copy}/node_modules/vitest/vitest.mjs`, 'run', '--project', 'unit', '--project', 'worker', '--bail', '1', ...tests], { cwd: copy, stdio: 'pipe', timeout: 120000 }); said = 'SURVIVED'; }
    catch (e) { said = (e as {killed?: boolean; signal?: string}).signal ? 'noticed (timeout)' : 'noticed'; }
    writeFileSync(path, source);
  }
  console.log(said, '|', guard);
}
