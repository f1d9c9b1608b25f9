// What a run under virtual time is told and what comes of it: the part that Node's side sees.

/** What every run of the simulator is told. */
export interface Conditions {
  readonly leases: boolean;
  readonly faults: boolean;
  readonly isolates: number;
  readonly colos: number;
  readonly ms: number;
  readonly seed: number;
}

export interface Options extends Conditions {
  /** When it begins, milliseconds since the epoch. */
  readonly start: number;
  /** Between two data centres, milliseconds. */
  readonly roundTripMs: (from: number, to: number) => number;
}

export interface Run {
  readonly requests: number;
  /** Permits, or requests in flight, above a limit: the most of any moment. */
  readonly overAdmitted: number;
  /** Share of what one all-knowing counter would have passed. */
  readonly underAdmitted: number;
  /** The most that may be. */
  readonly mostUnder: number;
  readonly calls: number;
  readonly rows: number;
  /** How long requests that passed waited for their decision, milliseconds. */
  readonly waits: readonly number[];
}

export interface Named {
  readonly name: string;
  readonly what: string;
  readonly limits: string;
}

/** What `simulate.ts` beside this file exports. */
export interface Simulator {
  readonly patterns: readonly Named[];
  readonly simulate: (name: string, options: Options) => Promise<Run>;
}
