// Sealed text: what the directory keeps, readable by whoever has `PARTITION_SECRET` alone.
import type { Secret } from '../lib/secret.ts';

const IV_BYTES = 12;

/** Sets this key apart from the one that names partitions, though both come of one secret. */
const INFO = 'weir directory 1';

/** Seals and opens texts with AES-256-GCM. The name they are kept under is bound to them. */
export class Seal {
  readonly #secret: Secret;

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  async seal(name: string, text: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(parameters(iv, name), await this.#keyOf(), bytes(text));
    return base64(iv, new Uint8Array(sealed));
  }

  /** Undefined where it was sealed with another secret, or under another name. */
  async open(name: string, sealed: string): Promise<string | undefined> {
    const all: Uint8Array<ArrayBuffer> = Uint8Array.from(atob(sealed), (char) => char.charCodeAt(0));
    const [iv, text] = [all.slice(0, IV_BYTES), all.slice(IV_BYTES)];
    try {
      return new TextDecoder().decode(
        await crypto.subtle.decrypt(parameters(iv, name), await this.#keyOf(), text),
      );
    } catch {
      return undefined;
    }
  }

  /** Each request derives its own: one may not await what another has under way. */
  async #keyOf(): Promise<CryptoKey> {
    const raw = await crypto.subtle.importKey('raw', bytes(this.#secret.reveal()), 'HKDF', false, [
      'deriveKey',
    ]);
    const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: bytes(INFO) };
    return crypto.subtle.deriveKey(derivation, raw, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const parameters = (iv: Uint8Array<ArrayBuffer>, name: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: bytes(name),
});

const base64 = (...parts: readonly Uint8Array[]): string =>
  btoa(parts.map((part) => String.fromCharCode(...part)).join(''));
