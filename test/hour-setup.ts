import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';

const cpu = () => {
  const s = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(s[11]) + Number(s[12]) + Number(s[13]) + Number(s[14])) / 100;
};
let c = 0,
  t = 0;
beforeAll(() => {
  c = cpu();
  t = Date.now();
});
afterAll(() => {
  appendFileSync(
    '/tmp/w/hour.cpu.txt',
    `${(cpu() - c).toFixed(1)} cpu ${((Date.now() - t) / 1000).toFixed(1)} wall ${expect.getState().testPath}\n`,
  );
});
