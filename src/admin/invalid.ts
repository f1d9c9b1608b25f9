// A request to the admin API that is not carried out, and the fields that are the reason.
import type { Status } from '../problem.ts';

export interface Fault {
  readonly field: string;
  readonly expected: string;
}

export class Invalid extends Error {
  readonly faults: readonly Fault[];
  readonly status: Status;

  constructor(faults: readonly Fault[], status: Status = 400) {
    super('invalid');
    this.faults = faults;
    this.status = status;
  }
}

export const invalid = (field: string, expected: string, status?: Status): Invalid =>
  new Invalid([{ field, expected }], status);
