// A contender with its Durable Object's calls and rows counted: the same code, subclassed. For counting only; what is
// timed runs without it.
import contender, { Limiter as Uncounted } from 'contender';

/** Of all objects together: they share this module. */
const counts = { calls: 0, rows: 0 };

type Method = (this: Counted, ...args: unknown[]) => unknown;

class Counted extends Uncounted {
  #seen = this.#changes();

  /** Rows that SQLite has inserted, changed or deleted for this object since it was loaded; an alarm is one too. */
  #changes(): number {
    return this.ctx.storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n;
  }

  count(method: Method, args: unknown[]): unknown {
    counts.calls++;
    const result = method.apply(this, args);
    if (result instanceof Promise) return result.finally(() => this.#countRows());
    this.#countRows();
    return result;
  }

  #countRows(): void {
    const changes = this.#changes();
    counts.rows += changes - this.#seen;
    this.#seen = changes;
  }
}

for (const name of Object.getOwnPropertyNames(Uncounted.prototype)) {
  const method = Reflect.get(Uncounted.prototype, name) as Method;
  if (name === 'constructor') continue;
  Reflect.set(Counted.prototype, name, function counted(this: Counted, ...args: unknown[]) {
    return this.count(method, args);
  });
}

export * from 'contender';
export { Counted as Limiter };

export default {
  fetch(request: Request, env: unknown, ctx: ExecutionContext) {
    return request.url.endsWith('/counts') ? Response.json(counts) : contender.fetch(request, env, ctx);
  },
};
