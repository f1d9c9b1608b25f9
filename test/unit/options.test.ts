// A mount's options and the vars are one list.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { varNames } from '../../src/config/config.ts';
import { configSource, varOf } from '../../src/config/options.ts';

const KEY = { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' };

/** Where a var goes on that is too long for one; an option has no such bound. */
const CONTINUED = /_\d$/;

it('every var has a documented option, and every option is a var: add it to `VarOptions`', async () => {
  const source = await readFile(join(import.meta.dirname, '../../src/config/options.ts'), 'utf8');
  const [, members = ''] = /interface VarOptions \{(.*?)\n\}/s.exec(source) ?? [];
  const options = [...members.matchAll(/\*\/\n {2}readonly (\w+)\?:/g)].map(([, name = '']) => varOf(name));
  const vars = [...varNames()].filter((name) => !CONTINUED.test(name));
  expect(options.toSorted()).toEqual(vars.toSorted());
});

describe('the configuration of a mount', () => {
  it('is read from its options as from vars', () => {
    const read = configSource({ ...KEY, issuer: 'https://a.test', limits: '7/minute', serverTiming: true });
    const { policies, serverTiming, tokens } = read({});
    expect(policies.default[0]).toMatchObject({ quota: 7, counter: 'default:sliding-window:60000' });
    expect([serverTiming, tokens.issuers[0]?.issuer]).toEqual([true, 'https://a.test']);
  });

  it('takes only vars with our prefix, unless it is told to take all', () => {
    const env = { LIMITS: '1/minute', WEIR_LIMITS: '2/minute', MODE: 'no word of ours' };
    expect(configSource(KEY)(env).policies.default).toMatchObject([{ quota: 2 }]);
    expect(configSource({ ...KEY, env: true })({ LIMITS: '1/minute' }).policies.default).toMatchObject([
      { quota: 1 },
    ]);
  });

  it('prefers options to vars', () => {
    const env = { WEIR_LIMITS: '2/minute' };
    expect(configSource({ ...KEY, limits: '3/minute' })(env).policies.default).toMatchObject([{ quota: 3 }]);
  });

  it('counts apart from mounts of other names', () => {
    const counter = (name: string) => configSource({ ...KEY, name })({}).policies.default[0]?.counter;
    expect(counter('a')).not.toBe(counter('b'));
  });

  it('names the option or the var that is wrong, as it was given', () => {
    expect(() => configSource({ ...KEY, limits: 'ten' })({ WEIR_MODE: 'off' })).toThrow(
      /`WEIR_MODE`: expected `enforce` or `shadow`, got `off`\n`limits`: expected `<quota>\/<unit>`.*, got `ten`/,
    );
  });
});
