// How often isolates report, and over how many Pulse objects. Pure.

/** Messages a second that one object hears at most: a fifth of what the platform recommends, writes included. */
export const MAX_PER_SECOND = 200;
/** Messages a second that an object asks for. Each costs as a request does: of a thousand requests a second they are a twentieth. */
const WANTED_PER_SECOND = 50;
/** With few isolates numbers are fresh; the more there are, the seldomer each reports. */
export const FASTEST_MS = 2_000;
/** A report waits in `waitUntil`, which lasts 30 s. */
export const SLOWEST_MS = 20_000;
/** Isolates of one object; those of a busier one are shared with another. */
const MAX_ISOLATES = 2_000;
/** Objects at most: enough for 32,000 isolates. */
export const MAX_SHARDS = 16;

/** When each of so many isolates reports next, milliseconds. */
export const everyMs = (isolates: number): number =>
  Math.min(SLOWEST_MS, Math.max(FASTEST_MS, Math.ceil((isolates / WANTED_PER_SECOND) * 1_000)));

/** Objects wanted by one that hears so many isolates. Each sees its own share, so all come to the same answer. */
export const shardsFor = (isolates: number, shards: number): number =>
  isolates > MAX_ISOLATES ? Math.min(MAX_SHARDS, shards * 2) : shards;

/**
 * The object an isolate reports to: doubling moves half of the isolates of each and nobody else.
 * @param draw uniform in 0 to 1, drawn once by the isolate.
 */
export const shardOf = (draw: number, shards: number): number => Math.floor(draw * MAX_SHARDS) % shards;

/** An object's name. */
export const shardName = (shard: number): string => `pulse-${shard}`;
