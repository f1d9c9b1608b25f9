// Every state that a few events can lead to, each visited once: breadth first, up to stated bounds, until nothing new comes.
import { createHash } from 'node:crypto';

/** What an event takes of the bounds; a message that is under way is delivered at no cost. */
export type Kind = 'request' | 'cancel' | 'wait' | 'pause' | 'fault' | 'message';

export type Bounds = Readonly<Record<Exclude<Kind, 'message'>, number>>;

export interface Event<W> {
  readonly name: string;
  readonly kind: Kind;
  /** Whether there is anything for it to do. */
  readonly isEnabled: (world: W) => boolean;
  readonly play: (world: W) => void | Promise<void>;
}

/** What is to be explored. */
export interface Realm<W> {
  readonly events: readonly Event<W>[];
  readonly bounds: Bounds;
  readonly begin: () => W | Promise<W>;
  /** Two worlds of one state go on alike. */
  readonly stateOf: (world: W) => string;
  /** @throws where a guarantee is broken. The world is not used again. */
  readonly judge: (world: W, spent: Spent) => void | Promise<void>;
}

/** Events of a schedule, by kind. */
export type Spent = Readonly<Record<Kind, number>>;

interface Node<W> {
  readonly schedule: readonly Event<W>[];
  readonly enabled: readonly Event<W>[];
}

const NONE: Spent = { request: 0, cancel: 0, wait: 0, pause: 0, fault: 0, message: 0 };

/**
 * Visits all states within the bounds.
 * @returns how many there are.
 * @throws what `judge` throws, with the schedule that led there.
 */
export const explore = async <W>(realm: Realm<W>): Promise<number> => {
  const seen = new Set<string>();
  const first = await visit(realm, [], seen);
  let frontier = first === undefined ? [] : [first];
  while (frontier.length > 0) {
    const next: Node<W>[] = [];
    for (const { schedule, enabled } of frontier)
      for (const event of enabled) {
        const node = await visit(realm, [...schedule, event], seen);
        if (node !== undefined) next.push(node);
      }
    frontier = next;
  }
  return seen.size;
};

/** Worlds cannot be copied, so each is played anew; undefined where its state was seen before. */
const visit = async <W>(
  realm: Realm<W>,
  schedule: readonly Event<W>[],
  seen: Set<string>,
): Promise<Node<W> | undefined> => {
  const world = await realm.begin();
  for (const event of schedule) await event.play(world);
  const spent = spentBy(schedule);
  const { message: _, ...bounded } = spent;
  const state = digest(JSON.stringify(bounded) + realm.stateOf(world));
  if (seen.has(state)) return undefined;
  seen.add(state);
  const enabled = realm.events.filter(
    (event) => mayStill(event.kind, spent, realm.bounds) && event.isEnabled(world),
  );
  await judged(realm, world, schedule, spent);
  return { schedule, enabled };
};

const mayStill = (kind: Kind, spent: Spent, bounds: Bounds): boolean =>
  kind === 'message' || spent[kind] < bounds[kind];

const spentBy = <W>(schedule: readonly Event<W>[]): Spent => {
  const spent = { ...NONE };
  for (const { kind } of schedule) spent[kind]++;
  return spent;
};

const digest = (text: string): string => createHash('sha1').update(text).digest('base64');

const judged = async <W>(realm: Realm<W>, world: W, schedule: readonly Event<W>[], spent: Spent) => {
  try {
    await realm.judge(world, spent);
  } catch (cause) {
    const names = schedule.map(({ name }) => name).join(', ');
    throw new Error(`${cause instanceof Error ? cause.message : cause} after: ${names}`, { cause });
  }
};
