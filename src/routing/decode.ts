// Undoes every escape in a path in one pass, as the most lenient decoder would.
import { DROPPED, END, SOFT_SLASH } from './marks.ts';

/** The path with each escape undone, and those that come out of it too; with the marks of `marks.ts`. */
export const decode = (path: string): string => {
  const decoder = new Decoder(path.length);
  for (let i = 0; i < path.length; i++) decoder.write(path.charCodeAt(i));
  return decoder.text();
};

const PERCENT = 0x25;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const U = 0x75;

/** A byte that is no ASCII stands as this and its value, a lone surrogate, until its sequence is complete. */
const BYTE = 0xdf00;

class Decoder {
  /** Code units; nothing that is undone grows longer. */
  readonly #codes: Uint16Array;
  #length = 0;
  /** Where the latest `%` ended: only digits near it can complete an escape. */
  #percent = Number.NEGATIVE_INFINITY;
  /** Bytes whose sequence is not complete. */
  #bytes = 0;

  constructor(length: number) {
    this.#codes = new Uint16Array(length);
  }

  /** Writes a code unit of the path; whenever that completes an escape, it is undone. */
  write(code: number): void {
    if (code === SLASH) this.#codes[this.#length++] = code;
    else this.#put(code);
  }

  text(): string {
    const codes = this.#codes.subarray(0, this.#length);
    if (this.#bytes > 0) takeForLatin1(codes);
    let text = '';
    for (let i = 0; i < codes.length; i += CHUNK)
      text += Reflect.apply(String.fromCharCode, undefined, codes.subarray(i, i + CHUNK));
    return text;
  }

  #put(code: number): void {
    this.#codes[this.#length++] = MARKED[code] ?? code;
    if (code === PERCENT) this.#percent = this.#length;
    else if (this.#length - this.#percent <= LONGEST && hexOf(code) >= 0) this.#undo();
  }

  /** `%41`, or `%u0041`. */
  #undo(): void {
    if (this.#last(3) === PERCENT) this.#replace(3, this.#hex(2));
    else if (this.#last(6) === PERCENT && (this.#last(5) | 0x20) === U) this.#replace(6, this.#hex(4));
  }

  /** The code unit so far from the end, 1 for the last. */
  #last(index: number): number {
    return this.#codes[this.#length - index] ?? 0;
  }

  /** The number that the last digits make; negative where they are none. */
  #hex(digits: number): number {
    let value = 0;
    for (let i = digits; i > 0; i--) {
      const digit = hexOf(this.#last(i));
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  #replace(length: number, code: number): void {
    if (code < 0) return;
    this.#length -= length;
    if (code < 0x80 || length === 6) this.#put(code);
    else this.#putByte(code);
  }

  /** UTF-8, of any length: overlong sequences are what some decoders fall for (RFC 3629 section 3). */
  #putByte(byte: number): void {
    this.#codes[this.#length++] = BYTE | byte;
    this.#bytes++;
    for (let length = 2; length <= 4; length++) {
      const lead = this.#last(length) - BYTE;
      if (lead < 0x80) return;
      if (lead >= 0xc0) {
        if (lengthOf(lead) === length) this.#putSequence(length);
        return;
      }
    }
  }

  #putSequence(length: number): void {
    let code = (this.#last(length) - BYTE) & (0x7f >> length);
    for (let i = length - 1; i > 0; i--) code = code * 64 + (this.#last(i) & 0x3f);
    this.#length -= length;
    this.#bytes -= length;
    if (code < 0x10000) this.#put(code);
    else if (code <= 0x10ffff) this.#putPair(code - 0x10000);
  }

  #putPair(offset: number): void {
    this.#codes[this.#length++] = 0xd800 | (offset >> 10);
    this.#codes[this.#length++] = 0xdc00 | (offset & 0x3ff);
  }
}

/** Characters of an escape that follow its `%`. */
const LONGEST = 5;

/** Arguments of one call. */
const CHUNK = 4_096;

/** What is left of incomplete sequences. */
const takeForLatin1 = (codes: Uint16Array): void => {
  codes.forEach((code, i) => {
    const isPair = ((codes[i - 1] ?? 0) & 0xfc00) === 0xd800;
    if (code >= BYTE && code < BYTE + 0x100 && !isPair) codes[i] = code - BYTE;
  });
};

/** Bytes of the sequence that begins so. */
const lengthOf = (lead: number): number => (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** Or -1. */
const hexOf = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
};

/** A mark in place of what some origins treat specially. */
const markOf = (code: number): number => {
  if (code > 0x3f) return code === BACKSLASH ? SOFT : code === 0x7f ? NOTHING : code;
  if (code === SLASH) return SOFT;
  if (code === 0 || code === 0x3f || code === 0x23) return STOP;
  return code > 0x20 ? code : NOTHING;
};

const SOFT = SOFT_SLASH.charCodeAt(0);
const STOP = END.charCodeAt(0);
const NOTHING = DROPPED.charCodeAt(0);

const MARKED = Uint16Array.from({ length: 0x80 }, (_, code) => markOf(code));
