// Bytes as text, and back.

export const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Without padding (RFC 7515 section 2). */
export const base64url = (bytes: Uint8Array): string =>
  base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const ALPHABETS = { base64: /^[A-Za-z0-9+/]+={0,2}$/, base64url: /^[\w-]+={0,2}$/ } as const;

/** The bytes of a base64 text, padded or not; undefined where it has another alphabet or an impossible length. */
export const fromBase64 = (
  text: string,
  alphabet: keyof typeof ALPHABETS,
): Uint8Array<ArrayBuffer> | undefined => {
  const isPlausible = ALPHABETS[alphabet].test(text) && text.replace(/=+$/, '').length % 4 !== 1;
  if (!isPlausible) return undefined;
  const standard = text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(standard), (char) => char.charCodeAt(0));
};
