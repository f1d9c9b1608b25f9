// The Durable Object that knows who is behind a partition's name, and whose overrides and revocations are in force. It keeps
// sealed texts: only the admin API opens them.
import { DurableObject } from 'cloudflare:workers';

/** Names kept, by what they are of: a flood of addresses must not push subjects out. */
const CAPACITY: Readonly<Record<Kind, number>> = { caller: 100_000, address: 20_000 };

/** Stands for "never ends" in a column of numbers. */
const FOREVER = Number.MAX_SAFE_INTEGER;

/** Most lines of the list. */
const MAX_LISTED = 1_000;

/** An address, or any other partition. */
export type Kind = 'caller' | 'address';

/** A partition: its name as in the log, and, sealed, whose it is. */
export interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly sealed: string;
}

/** What is in force for one partition. */
export interface Listed {
  readonly name: string;
  /** Whose it is and what was set. */
  readonly sealed: string;
  /** When the last part of it ends, milliseconds since the epoch; Infinity: never. */
  readonly until: number;
}

export class Directory extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS caller (number INTEGER PRIMARY KEY, name TEXT UNIQUE, sealed TEXT);
      CREATE TABLE IF NOT EXISTS address (number INTEGER PRIMARY KEY, name TEXT UNIQUE, sealed TEXT);
      CREATE TABLE IF NOT EXISTS listed (name TEXT PRIMARY KEY, sealed TEXT, until REAL) WITHOUT ROWID;
    `);
  }

  /** Keeps those that are new. Beyond a kind's capacity, the ones that came first go. */
  keep(entries: readonly Entry[]): void {
    const { sql } = this.ctx.storage;
    for (const { name, kind, sealed } of entries) {
      sql.exec(`INSERT INTO ${kind} (name, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, sealed);
      // Numbers have no gaps: rows go from the low end only.
      sql.exec(`DELETE FROM ${kind} WHERE number <= (SELECT max(number) FROM ${kind}) - ?`, CAPACITY[kind]);
    }
  }

  /** What is sealed under a name. */
  find(name: string): string | undefined {
    const [row] = this.ctx.storage.sql.exec<{ sealed: string }>(
      'SELECT sealed FROM caller WHERE name = ?1 UNION ALL SELECT sealed FROM address WHERE name = ?1',
      name,
    );
    return row?.sealed;
  }

  /** Replaces the list's entry of a partition; one whose end has passed is only removed. */
  list({ name, sealed, until }: Listed): void {
    const { sql } = this.ctx.storage;
    sql.exec('DELETE FROM listed WHERE name = ? OR until <= ?', name, Date.now());
    if (until <= Date.now()) return;
    sql.exec(
      'INSERT INTO listed VALUES (?, ?, ?)',
      name,
      sealed,
      until === Number.POSITIVE_INFINITY ? FOREVER : until,
    );
    sql.exec(
      'DELETE FROM listed WHERE name NOT IN (SELECT name FROM listed ORDER BY until DESC LIMIT ?)',
      MAX_LISTED,
    );
  }

  /** What is in force now; what ends last comes first. */
  listed(): readonly Pick<Listed, 'name' | 'sealed'>[] {
    return this.ctx.storage.sql
      .exec<{ name: string; sealed: string }>(
        'SELECT name, sealed FROM listed WHERE until > ? ORDER BY until DESC, name',
        Date.now(),
      )
      .toArray();
  }
}
