// The audit as an MCP server on stdio: `npm run mcp`. Tools: `audit_api`, `explain_finding`.
import { parseArgs } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Check } from './check.ts';
import { checkById, checks } from './checks/index.ts';
import { readExpected } from './declared.ts';
import { CannotRun, type Progress, runAudit } from './engine.ts';
import { resolveTarget } from './http/target.ts';
import { DEFAULT_LIMITS, DEFAULT_ORIGIN } from './options.ts';
import { toMarkdown } from './report/markdown.ts';
import { refusal } from './safety.ts';
import { readPublicKeys, readSigningKey } from './tokens/keys.ts';

const HELP = `The audit as an MCP server on stdio, for assistants.

  npm run mcp [-- --i-am-authorised HOST]

  --i-am-authorised HOST  the assistant may audit this host, too; may be repeated. Without it: this machine only.
                          Only whoever starts the server can say this, never the assistant.
`;

const auditInput = {
  url: z.url().describe('An http(s) address that answers a GET with 2xx to the token'),
  token: z.string().min(1).describe('A bearer JWT that the API accepts; its quota is spent'),
  second_token: z.string().optional().describe('Another token of the same subject'),
  other_token: z.string().optional().describe('A token of another subject'),
  jwks: z.string().optional().describe('Public keys of the issuer: JWKS, JWK or PEM, as text'),
  signing_key: z
    .string()
    .optional()
    .describe('To mint tokens with: a private JWK or PEM, or the HMAC secret that signed the token, as text'),
  origin: z.string().default(DEFAULT_ORIGIN).describe('Origin of a page that the API serves, for CORS'),
  expect: z
    .string()
    .optional()
    .describe('What the limit ought to be, where the API does not say: 100/minute'),
  only: z.array(z.string()).default([]).describe('Ids or families of checks; empty: all'),
  max_requests: z.int().min(10).max(2000).default(DEFAULT_LIMITS.maxRequests),
  rate: z.int().min(2).max(100).default(DEFAULT_LIMITS.rate).describe('Requests in any second'),
};

type AuditInput = z.infer<z.ZodObject<typeof auditInput>>;

/** One audit at a time: two would measure each other. */
let turn: Promise<unknown> = Promise.resolve();

const auditApi = async (
  input: AuditInput,
  hosts: readonly string[],
  signal: AbortSignal,
  progress: (progress: Progress) => void,
): Promise<CallToolResult> => {
  const target = await resolveTarget(input.url);
  const no = refusal(target, hosts.includes(target.url.hostname));
  if (no !== undefined) return failure(`${no} That is for whoever starts this server to say.`);
  const mine = turn.then(() =>
    runAudit({
      target,
      credentials: {
        token: input.token,
        secondToken: input.second_token,
        otherToken: input.other_token,
        publicKeys: input.jwks === undefined ? [] : readPublicKeys(input.jwks),
        signingKey:
          input.signing_key === undefined ? undefined : readSigningKey(input.signing_key, input.token),
        origin: input.origin,
      },
      limits: { maxRequests: input.max_requests, rate: input.rate },
      only: input.only,
      expected: input.expect === undefined ? [] : readExpected(input.expect),
      signal,
      progress,
    }),
  );
  turn = mine.catch(() => {});
  const report = await mine;
  return { content: [{ type: 'text', text: toMarkdown(report) }], structuredContent: { ...report } };
};

const failure = (text: string): CallToolResult => ({ isError: true, content: [{ type: 'text', text }] });

/** Says what went wrong, but never quotes a key that could not be read. */
const explained = (error: unknown): CallToolResult => {
  if (error instanceof CannotRun || error instanceof TypeError) return failure(error.message);
  return failure(
    error instanceof SyntaxError ? 'a key that was given is not JSON' : 'the audit could not run',
  );
};

const explainFinding = (id: string): CallToolResult => {
  const check = checkById(id);
  if (check === undefined)
    return failure(`no check ${id}; there are: ${checks.map((one) => one.id).join(', ')}`);
  return { content: [{ type: 'text', text: explanation(check) }] };
};

const explanation = ({ id, severity, title, owasp, rfc, why, fix, needs }: Check): string =>
  [
    `# ${id} (${severity})`,
    `A sound API: ${title.charAt(0).toLowerCase()}${title.slice(1)}.`,
    `Why it matters: ${why}`,
    `Fix: ${fix}`,
    `See: OWASP ${owasp}; ${rfc}`,
    ...(needs.length > 0 ? [`The check needs: ${needs.join(', ')}`] : []),
  ].join('\n\n');

type Request = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Tells the client how far the audit is, if it asked to be told: a whole one takes about a minute. */
const notifierOf = ({ _meta, sendNotification }: Request): ((progress: Progress) => void) => {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => {};
  return function notify({ done, total, requests, next }) {
    const message = next === undefined ? `${requests} requests` : `${next}; ${requests} requests so far`;
    const params = { progressToken, progress: done, total, message };
    // A client that has gone away needs no progress, and its audit is aborted by its own signal.
    sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  };
};

const serve = async (hosts: readonly string[]): Promise<void> => {
  const server = new McpServer({ name: 'weir-audit', version: '1.0.0' });
  server.registerTool(
    'audit_api',
    {
      title: 'Audit an API',
      description:
        'Checks from outside whether an HTTP API’s rate limits and token checks hold. Sends forged tokens and spends the ' +
        'quota of the token’s subject. Refuses hosts other than this machine, unless the server was started for them.',
      inputSchema: auditInput,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    },
    (input, request) => auditApi(input, hosts, request.signal, notifierOf(request)).catch(explained),
  );
  server.registerTool(
    'explain_finding',
    {
      title: 'Explain a finding',
      description: 'What a check of the audit asks, why it matters and how to fix what it finds.',
      inputSchema: { id: z.string().describe('Id of a check, e.g. limits.spoofed-address') },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ id }) => explainFinding(id),
  );
  await server.connect(new StdioServerTransport());
};

const { values } = parseArgs({
  options: { 'i-am-authorised': { type: 'string', multiple: true }, help: { type: 'boolean' } },
});
if (values.help) process.stdout.write(HELP);
else await serve(values['i-am-authorised'] ?? []);
