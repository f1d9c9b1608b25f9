// The audit as an MCP server, driven by the protocol's own client.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult, Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSample } from '../fixtures/weak/audited.ts';
import { faults } from '../fixtures/weak/faults.ts';
import { publicPem, tokenOf } from '../fixtures/weak/issuer.ts';
import type { Served } from '../fixtures/weak/serve.ts';

let client: Client;
let weak: Served;

beforeAll(async () => {
  weak = await startSample(faults.find(({ name }) => name === 'algorithm-confusion'));
  client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command: 'npm', args: ['run', '-s', 'mcp'] }));
});

afterAll(async () => {
  await client.close();
  await weak.close();
});

const call = (name: string, args: Record<string, unknown>): Promise<CallToolResult> =>
  client.callTool({ name, arguments: args }) as Promise<CallToolResult>;

const textOf = (result: CallToolResult): string =>
  result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

describe('the MCP server', () => {
  it('offers two tools and says what they do to an API', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['audit_api', 'explain_finding']);
    expect(tools[0]?.description).toContain('Sends forged tokens and spends the quota');
    expect(tools[0]?.annotations).toMatchObject({ readOnlyHint: false });
    expect(tools[0]?.inputSchema.required).toEqual(['url', 'token']);
  });

  it('audits an API and hands over the findings', async () => {
    const token = await tokenOf('alice');
    const only = ['tokens.none', 'tokens.hs256-public-key', 'tokens.expired'];
    const result = await call('audit_api', { url: weak.url, token, jwks: publicPem, only });
    expect(result.isError).toBeFalsy();
    expect(textOf(result)).toContain('**✗ failed**');
    const { results } = result.structuredContent as { results: { id: string; outcome: string }[] };
    expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['tokens.none', 'passed'],
      ['tokens.hs256-public-key', 'failed'],
      ['tokens.expired', 'skipped'],
    ]);
    for (const part of token.split('.')) expect(JSON.stringify(result)).not.toContain(part);
  });

  it('tells how far it is while it audits, to a client that asks', async () => {
    const told: Progress[] = [];
    const only = ['tokens.none', 'tokens.malformed', 'tokens.stripped'];
    const params = { name: 'audit_api', arguments: { url: weak.url, token: await tokenOf('alice'), only } };
    await client.callTool(params, undefined, { onprogress: (progress) => told.push(progress) });
    // The last comes with the result itself, and may be overtaken by it.
    const begun = told.slice(0, only.length);
    expect(begun.map(({ progress, total }) => [progress, total])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(begun.map(({ message }) => message?.split(';')[0])).toEqual(only);
  });

  it('names the checks there are where it is asked for another', async () => {
    const args = { url: weak.url, token: 'x', only: ['limit'] };
    const result = await call('audit_api', args);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain(
      'no check or family is called "limit"; families: tokens, leaks, limits, manners',
    );
  });

  it('audits no other host than this machine, however it is asked', async () => {
    const args = { url: 'http://192.0.2.1/', token: 'x', i_am_authorised: true, authorised: true };
    const result = await call('audit_api', args);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('That is for whoever starts this server to say');
  });

  it('keeps to the bounds of what may be sent', async () => {
    const args = { url: weak.url, token: 'x', max_requests: 1_000_000 };
    expect((await call('audit_api', args)).isError).toBe(true);
  });

  it('says why it could not audit, without the key it was given', async () => {
    const good = { url: weak.url, token: await tokenOf('alice') };
    expect(textOf(await call('audit_api', { ...good, token: 'x' }))).toContain('the token given gets 401');
    const secret = await call('audit_api', { ...good, signing_key: '{"d":1,"k":"very-secret' });
    expect(textOf(secret)).toBe('a key that was given is not JSON');
  });

  it('explains a finding, and lists the ids where it knows none', async () => {
    const text = textOf(await call('explain_finding', { id: 'limits.spoofed-address' }));
    expect(text).toContain('Anybody can write these headers');
    expect(text).toContain('OWASP API4:2023; RFC 7239 section 8.1');
    const unknown = await call('explain_finding', { id: 'limits.nothing' });
    expect(unknown.isError).toBe(true);
    expect(textOf(unknown)).toContain('limits.exists');
  });
});
