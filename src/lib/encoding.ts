// Bytes as text, and back.

export const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

const ALPHABETS = { base64: /^[A-Za-z0-9+/]+={0,2}$/, base64url: /^[\w-]+={0,2}$/ } as const;

/** The bytes, whose padding may be left out; undefined where the text is of another alphabet or length. */
export const fromBase64 = (
  text: string,
  alphabet: keyof typeof ALPHABETS,
): Uint8Array<ArrayBuffer> | undefined => {
  const isPlausible = ALPHABETS[alphabet].test(text) && text.replace(/=+$/, '').length % 4 !== 1;
  if (!isPlausible) return undefined;
  const base64 = text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
};
