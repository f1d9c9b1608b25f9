// Every state that a few events can lead to, each visited once: breadth first, up to stated bounds, until nothing new comes.
import { createHash } from 'node:crypto';

/** What an event takes of the bounds; what is under way arrives at no cost. */
export const KINDS = ['request', 'cancel', 'wait', 'pause', 'fault'] as const;

export type Kind = (typeof KINDS)[number] | 'message';

export type Bounds = Readonly<Record<(typeof KINDS)[number], number>>;

export interface Event<W> {
  readonly name: string;
  readonly kind: Kind;
  /** Who notices: one of those that know nothing of each other but by messages. Absent: time passes for all of them. */
  readonly party?: string;
  /** Time that passes, milliseconds. */
  readonly ms?: number;
  readonly play: (world: W) => void | Promise<void>;
}

/** What is to be explored. Worlds go by what each party has noticed, and when: those in which that is the same go on alike. */
export interface Realm<W> {
  readonly bounds: Bounds;
  readonly begin: () => W | Promise<W>;
  /** What may happen next. */
  readonly events: (world: W) => readonly Event<W>[];
  /** @throws where a guarantee is broken. The world is not used again. */
  readonly judge: (world: W, spent: Spent) => void | Promise<void>;
  readonly end: (world: W) => void;
}

/** Events of a schedule, by kind. */
export type Spent = Readonly<Record<Kind, number>>;

/** A schedule, and what of it matters to what comes. */
interface Path<W> {
  readonly schedule: readonly Event<W>[];
  readonly spent: Spent;
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** By party, what it has noticed. */
  readonly noticed: Readonly<Record<string, string>>;
}

const START = {
  schedule: [],
  spent: { request: 0, cancel: 0, wait: 0, pause: 0, fault: 0, message: 0 },
  at: 0,
  noticed: {},
};

/**
 * Visits all states within the bounds.
 * @returns how many there are.
 * @throws what `judge` throws, with the schedule that led there.
 */
export const explore = async <W>(realm: Realm<W>): Promise<number> => {
  const seen = new Set<string>();
  let frontier: readonly Path<W>[] = [START];
  while (frontier.length > 0) {
    const next: Path<W>[] = [];
    for (const path of frontier)
      for (const event of await visit(realm, path)) {
        const longer = extended(path, event);
        const state = digest(longer);
        if (seen.has(state)) continue;
        seen.add(state);
        next.push(longer);
      }
    frontier = next;
  }
  return seen.size + 1;
};

/** Worlds cannot be copied, so each is played anew. Says what may happen next. */
const visit = async <W>(realm: Realm<W>, path: Path<W>): Promise<readonly Event<W>[]> => {
  await breath();
  const world = await realm.begin();
  try {
    for (const event of path.schedule) await event.play(world);
    const events = realm.events(world).filter(({ kind }) => mayStill(kind, path.spent, realm.bounds));
    await judged(realm, world, path);
    return events;
  } finally {
    realm.end(world);
  }
};

/** Whoever runs the tests hears of them. */
const breath = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const mayStill = (kind: Kind, spent: Spent, bounds: Bounds): boolean =>
  kind === 'message' || spent[kind] < bounds[kind];

const extended = <W>({ schedule, spent, at, noticed }: Path<W>, event: Event<W>): Path<W> => {
  const { name, kind, party, ms = 0 } = event;
  const before = party === undefined ? '' : (noticed[party] ?? '');
  return {
    schedule: [...schedule, event],
    spent: { ...spent, [kind]: spent[kind] + 1 },
    at: at + ms,
    noticed: party === undefined ? noticed : { ...noticed, [party]: `${before}${at} ${name}; ` },
  };
};

const digest = <W>({ spent, at, noticed }: Path<W>): string => {
  const parties = Object.keys(noticed).toSorted();
  const bounded = KINDS.map((kind) => spent[kind]);
  const text = JSON.stringify([bounded, at, parties.map((party) => [party, noticed[party]])]);
  return createHash('sha1').update(text).digest('base64');
};

const judged = async <W>(realm: Realm<W>, world: W, { schedule, spent }: Path<W>): Promise<void> => {
  try {
    await realm.judge(world, spent);
  } catch (cause) {
    const names = schedule.map(({ name }) => name).join(', ');
    throw new Error(`${cause instanceof Error ? cause.message : cause} after: ${names}`, { cause });
  }
};
