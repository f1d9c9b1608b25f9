// About how much memory plain data takes, for caches that are bounded in bytes.

/** An object, a string or an entry of a collection, its contents left out: as V8 lays them out, rounded up. */
const OVERHEAD = 32;

/**
 * Strings, arrays, sets and objects, to any depth; everything else counts as nothing. Data that is shared is counted each
 * time that it is met, so it must not refer to itself.
 */
export const bytesOf = (value: unknown): number => {
  if (typeof value === 'string') return OVERHEAD + value.length * (isLatin(value) ? 1 : 2);
  if (typeof value !== 'object' || value === null) return 0;
  const parts = value instanceof Set || Array.isArray(value) ? value : Object.values(value);
  let sum = OVERHEAD;
  for (const part of parts) sum += OVERHEAD + bytesOf(part);
  return sum;
};

/** Whether V8 keeps it in one byte a character. */
const isLatin = (text: string): boolean => !/[^\0-\xff]/.test(text);
