// The Durable Object that holds a partition's policies: the ledger, its storage and its alarm. One RPC per decision,
// with no `await` inside, so that requests cannot interleave.
import { DurableObject } from 'cloudflare:workers';
import { Ledger, restsAt, type Stored } from './ledger.ts';
import { type Ask, type Reply, type Return, VERSION } from './messages.ts';

/** One key, so that one write is one row. */
const KEY = 'ledger';

interface Record extends Stored {
  /** When the alarm goes off; kept here, since asking the platform for it would need an `await`. */
  readonly alarmAt: number;
}

export class Limiter extends DurableObject {
  #alarmAt = 0;
  #ledger = this.#load();

  /** Grants or denies. The output gate holds the reply back until what was written is durable. */
  consume(ask: Ask): Reply {
    if (ask.version !== VERSION) throw new Error(`expected message version ${VERSION}, got ${ask.version}`);
    const { reply, write } = this.#ledger.consume(Date.now(), ask);
    if (write !== undefined) this.#save(write);
    return reply;
  }

  giveBack(unused: Return): void {
    if (unused.version === VERSION) this.#ledger.giveBack(Date.now(), unused);
  }

  /** An idle partition costs nothing: once the last counter has drained, everything goes. */
  override async alarm(): Promise<void> {
    const stored = this.ctx.storage.kv.get<Record>(KEY);
    this.#alarmAt = 0;
    if (stored !== undefined && restsAt(stored) > Date.now()) return this.#save(stored);
    await this.ctx.storage.deleteAll();
    this.#ledger = this.#load();
  }

  #load(): Ledger {
    const stored = this.ctx.storage.kv.get<Record>(KEY);
    this.#alarmAt = stored?.alarmAt ?? 0;
    return new Ledger(stored, crypto.randomUUID());
  }

  /** Writes with no `await` between them are one transaction. The alarm is set only when none is to come. */
  #save(stored: Stored): void {
    if (this.#alarmAt <= Date.now()) {
      this.#alarmAt = restsAt(stored);
      this.ctx.storage.setAlarm(this.#alarmAt);
    }
    this.ctx.storage.kv.put<Record>(KEY, { ...stored, alarmAt: this.#alarmAt });
  }
}
