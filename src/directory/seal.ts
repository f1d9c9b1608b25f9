// Sealed text: what the directory keeps, readable only with `PARTITION_SECRET`.
import { base64, fromBase64 } from '../lib/encoding.ts';
import type { Secret } from '../lib/secret.ts';

const IV_BYTES = 12;

/** Separates this key from the one that names partitions, since both are derived from one secret. */
const INFO = 'weir directory 1';

/** Seals and opens texts with AES-256-GCM, each bound to the name that it is kept under. */
export class Seal {
  readonly #secret: Secret;

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  async seal(name: string, text: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(parameters(iv, name), await this.#keyOf(), bytes(text));
    return base64(Uint8Array.from([...iv, ...new Uint8Array(sealed)]));
  }

  /** Undefined where it was sealed with another secret, or under another name. */
  async open(name: string, sealed: string): Promise<string | undefined> {
    const all = fromBase64(sealed, 'base64') ?? new Uint8Array();
    const [iv, text] = [all.slice(0, IV_BYTES), all.slice(IV_BYTES)];
    try {
      return new TextDecoder().decode(
        await crypto.subtle.decrypt(parameters(iv, name), await this.#keyOf(), text),
      );
    } catch {
      return undefined;
    }
  }

  /** Each request derives its own key: on Workers, one request must not await another's promise. */
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
