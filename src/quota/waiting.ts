// How a request waits for what another request may bring it: permits, or a slot.

/** A waiting request looks so often whether anybody asks for it: who was to may have been dropped. Milliseconds. */
const LOOK_EVERY_MS = 100;

/** An ask is counted as lost so long after its time limit, milliseconds. */
export const LOST_MS = 100;

/**
 * Wakes a request that waits. What it waits for is a promise of its own, which whoever has the answer keeps; a timer of its
 * own runs beside it, without which the runtime would take the request for hung.
 */
export class Bell {
  #wake = (): void => {};

  ring(): void {
    this.#wake();
  }

  /** Until it rings, or for `LOOK_EVERY_MS`. */
  rung(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
}
