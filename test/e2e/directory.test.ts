// Who is behind a partition's name in the log, and what is in force: known to whoever holds the admin token, and to no log.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADMIN_TOKEN, type Admin, adminOf } from '../fixtures/admin.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, ISSUER, startWeir, type Weir } from '../fixtures/weir.ts';

const secrets = { ADMIN_TOKEN, PARTITION_SECRET: 'sixteen bytes at least' };

const persist = mkdtempSync(join(tmpdir(), 'weir-directory-'));

let origin: Origin;
let weir: Weir;
let admin: Admin;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({
    vars: { ORIGIN_URL: origin.url, LIMITS: '1/hour' },
    secrets,
    directory: true,
    persist,
  });
  admin = adminOf(weir);
});

afterAll(async () => {
  await weir.close();
  await origin.close();
  rmSync(persist, { recursive: true });
});

/** The name under which the log speaks of whoever was just refused. */
const partitionInLog = (): Promise<string> =>
  vi.waitFor(() => {
    const line = weir
      .logs()
      .map(({ message }) => JSON.parse(message))
      .findLast(({ partition }) => partition);
    expect(line?.partition).toMatch(/^[0-9a-f]{32}$/);
    return line.partition;
  });

const whoIs = async (partition: string) =>
  vi.waitFor(
    async () => {
      const { status, body } = await admin('GET', `who?partition=${partition}`);
      expect(status).toBe(200);
      return body;
    },
    { timeout: 10_000, interval: 200 },
  );

/** Every byte that the Directory stored. */
const stored = (): string =>
  readdirSync(persist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && `${entry.parentPath}/${entry.name}`.includes('Directory'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('');

describe('who', () => {
  it('names the subject behind a refusal in the log, which the log does not', async () => {
    const headers = await bearer({ sub: 'a-secret-name' });
    for (const expected of [200, 429]) expect((await weir.fetch('/echo', { headers })).status).toBe(expected);
    const partition = await partitionInLog();
    expect(await whoIs(partition)).toEqual({
      partition,
      kind: 'subject',
      issuer: ISSUER,
      subject: 'a-secret-name',
    });
    expect(JSON.stringify(weir.logs())).not.toContain('a-secret-name');
  });

  it('names the address behind a refused token', async () => {
    weir.clearLogs();
    await weir.fetch('/echo', { headers: { Authorization: 'Bearer x', 'CF-Connecting-IP': '192.0.2.7' } });
    const partition = await partitionInLog();
    expect(await whoIs(partition)).toEqual({ partition, kind: 'address', address: '192.0.2.7' });
  });

  it('keeps nothing that can be read without PARTITION_SECRET', async () => {
    expect(stored()).toMatch(/[0-9a-f]{32}/);
    expect(stored()).not.toMatch(/a-secret-name|192\.0\.2\.7/);
  });

  it('is refused without the admin token, knows no name that never was, and takes nothing else for one', async () => {
    const nobody = await weir.fetch(`/.weir/who?partition=${'0'.repeat(32)}`);
    expect(nobody.status).toBe(404);
    expect(await nobody.json()).not.toHaveProperty('errors');
    const unknown = await admin('GET', `who?partition=${'0'.repeat(32)}`);
    expect([unknown.status, unknown.body.errors]).toEqual([
      404,
      [expect.objectContaining({ field: 'partition' })],
    ]);
    expect((await admin('GET', 'who?partition=alice')).status).toBe(400);
  });
});

describe('list', () => {
  const later = () => new Date(Date.now() + 60_000).toISOString();

  it('shows overrides and revocations in force, and no longer once they are lifted', async () => {
    const body = { limits: '9/hour', until: later(), reason: 'launch day' };
    await admin('PUT', 'subjects/override?subject=ann', body);
    await admin('POST', 'subjects/revoke?subject=bob', { jti: 'one' });
    await admin('PUT', 'addresses/override?address=192.0.2.9', { ...body, limits: 'blocked' });
    const listed = async () => {
      const { body } = await admin('GET', 'list');
      return (body.listed as { subject?: string; address?: string }[]).map(
        (each) => each.subject ?? each.address,
      );
    };
    expect((await listed()).toSorted()).toEqual(['192.0.2.9', 'ann', 'bob']);
    expect((await admin('GET', 'list')).body.listed).toContainEqual(
      expect.objectContaining({
        subject: 'ann',
        override: expect.objectContaining({ reason: 'launch day' }),
      }),
    );
    await admin('DELETE', 'subjects/override?subject=ann');
    await admin('DELETE', 'subjects/revoke?subject=bob');
    expect(await listed()).toEqual(['192.0.2.9']);
  });
});

describe('without the binding', () => {
  it('says what is missing, and changes are made all the same', async () => {
    const plain = await startWeir({ vars: { ORIGIN_URL: origin.url }, secrets });
    const call = adminOf(plain);
    const { status, body } = await call('GET', 'list');
    expect([status, body.errors]).toEqual([501, [expect.objectContaining({ field: 'DIRECTORY' })]]);
    const until = new Date(Date.now() + 60_000).toISOString();
    const set = await call('PUT', 'subjects/override?subject=ann', { limits: 'none', until, reason: 'r' });
    expect(set.status).toBe(200);
    await plain.close();
  });
});
