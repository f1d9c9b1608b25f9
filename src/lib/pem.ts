// PEM (RFC 7468) and the DER in it, as far as it takes to tell one kind of key from another. No crypto.
import { fromBase64, base64 as toBase64 } from './encoding.ts';

/** What a public key may come as: a SubjectPublicKeyInfo, a certificate, or the key of PKCS#1 (RFC 8017). */
export const PUBLIC_LABELS = ['PUBLIC KEY', 'CERTIFICATE', 'RSA PUBLIC KEY'] as const;

type PublicLabel = (typeof PUBLIC_LABELS)[number];

export interface PemBlock {
  readonly label: string;
  /** Without line ends. */
  readonly base64: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\sA-Za-z0-9+/=]+)-----END \1-----/g;

/** The blocks of a text that holds nothing else; empty for any other text. */
export const pemBlocks = (text: string): readonly PemBlock[] => {
  if (text.replace(BLOCK, '').trim() !== '') return [];
  return [...text.matchAll(BLOCK)].map(([, label = '', body = '']) => ({
    label,
    base64: body.replace(/\s/g, ''),
  }));
};

export const pemOf = ({ label, base64 }: PemBlock): string =>
  `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----`;

const [INTEGER, BIT_STRING, SEQUENCE] = [0x02, 0x03, 0x30];

/** Tags of the first members of a sequence, which tell what it is; undefined where it is no public key of ours. */
const SHAPES: readonly (readonly [label: PublicLabel, tags: readonly number[]])[] = [
  ['PUBLIC KEY', [SEQUENCE, BIT_STRING]],
  ['CERTIFICATE', [SEQUENCE, SEQUENCE, BIT_STRING]],
  ['RSA PUBLIC KEY', [INTEGER, INTEGER]],
];

/** What base64 of DER without any PEM around it holds; undefined for anything but a public key. */
export const labelOf = (base64: string): PublicLabel | undefined => {
  const tags = memberTags(fromBase64(base64, 'base64') ?? new Uint8Array());
  const found = SHAPES.find(
    ([, shape]) => shape.length === tags.length && shape.every((tag, i) => tag === tags[i]),
  );
  return found?.[0];
};

/** The key of PKCS#1 as a SubjectPublicKeyInfo (RFC 3279 section 2.3.1), in base64. */
export const spkiOfPkcs1 = (base64: string): string => {
  const key = element(BIT_STRING, [0, ...(fromBase64(base64, 'base64') ?? [])]);
  return toBase64(Uint8Array.from(element(SEQUENCE, [...RSA_ENCRYPTION, ...key])));
};

/** AlgorithmIdentifier of `rsaEncryption`, with its NULL. */
const RSA_ENCRYPTION = [
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

const element = (tag: number, content: readonly number[]): number[] => [
  tag,
  ...lengthOf(content.length),
  ...content,
];

/** X.690 section 8.1.3: up to 127 as it is, else the number of its bytes and those. */
const lengthOf = (length: number): number[] => {
  if (length < 0x80) return [length];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [0x80 + bytes.length, ...bytes];
};

/** Of the outermost sequence. */
const memberTags = (der: Uint8Array): readonly number[] => {
  if (der[0] !== SEQUENCE) return [];
  const tags: number[] = [];
  for (let at = contentOf(der, 0).start; at < der.length && tags.length < 9; at = contentOf(der, at).end)
    tags.push(der[at] ?? 0);
  return tags;
};

/** Where the content of the element at an index begins and ends. */
const contentOf = (der: Uint8Array, at: number): { readonly start: number; readonly end: number } => {
  const first = der[at + 1] ?? 0;
  const count = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + count;
  const length = count === 0 ? first : der.slice(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  return { start, end: start + length };
};
