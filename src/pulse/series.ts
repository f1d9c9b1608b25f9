// Counts by one or two labels, in bounded memory.

/** Labels and how often they came. */
export type Labelled = readonly [labels: readonly string[], count: number];

/** The label under which further values are counted once there is no more room. */
const OTHER = 'other';

export class Series {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #capacity: number;
  #size = 0;

  /** @param capacity pairs of labels that are told apart. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(first: string, second = '', count = 1): void {
    const known = this.#counts.get(first)?.get(second);
    if (known !== undefined || this.#size < this.#capacity) this.#set(first, second, (known ?? 0) + count);
    else this.#addOther(second === '' ? '' : OTHER, count);
  }

  addAll(labelled: readonly Labelled[]): void {
    for (const [[first = '', second], count] of labelled) this.add(first, second, count);
  }

  all(): Labelled[] {
    return [...this.#counts].flatMap(([first, counts]) =>
      [...counts].map(([second, count]): Labelled => [second === '' ? [first] : [first, second], count]),
    );
  }

  #addOther(second: string, count: number): void {
    this.#set(OTHER, second, (this.#counts.get(OTHER)?.get(second) ?? 0) + count);
  }

  #set(first: string, second: string, count: number): void {
    const counts = this.#counts.get(first) ?? new Map<string, number>();
    if (!counts.has(second)) this.#size++;
    this.#counts.set(first, counts.set(second, count));
  }
}
