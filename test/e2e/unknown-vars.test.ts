// A misspelled var changes nothing; the log says so once, and what was surely meant.
import { expect, it } from 'vitest';
import { stage } from '../fixtures/stage.ts';
import { bearer } from '../fixtures/weir.ts';

const here = stage();

it('tells of vars that look like ours, once, and of no others', async () => {
  const vars = { LIMTS: '1/hour', mode: 'shadow', COLOUR: 'red', MODE: 'enforce', LIMITS: '' };
  const weir = await here.start({ vars });
  const headers = await bearer();
  for (let i = 0; i < 3; i++) expect((await weir.fetch('/echo', { headers })).status).toBe(200);
  const told = weir
    .logs()
    .map(({ message }) => JSON.parse(message))
    .filter(({ outcome }) => outcome === 'unknown_var')
    .map(({ reason }) => reason);
  expect(told).toEqual([
    "`LIMTS`: not a var of Weir's; did you mean `LIMITS`?",
    "`mode`: not a var of Weir's; did you mean `MODE`?",
  ]);
});
