// A map from whole tokens to what is known of them, bounded in entries and in characters.

/** Keeps the newest entries that fit both bounds; one more drops the oldest. Setting a token again makes it the newest. */
export class TokenCache<V> {
  readonly #entries = new Map<string, V>();
  readonly #maxEntries: number;
  readonly #maxChars: number;
  #chars = 0;

  /** @param maxChars of all tokens together; one character is one byte, since tokens are ASCII. */
  constructor(maxEntries: number, maxChars: number) {
    this.#maxEntries = maxEntries;
    this.#maxChars = maxChars;
  }

  get size(): number {
    return this.#entries.size;
  }

  get chars(): number {
    return this.#chars;
  }

  get(token: string): V | undefined {
    return this.#entries.get(token);
  }

  set(token: string, value: V): void {
    this.delete(token);
    this.#entries.set(token, value);
    this.#chars += token.length;
    while (this.#entries.size > this.#maxEntries || this.#chars > this.#maxChars) this.#dropOldest();
  }

  delete(token: string): void {
    if (this.#entries.delete(token)) this.#chars -= token.length;
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.delete(oldest);
  }
}
