// What tests under virtual time use of Node, beside the Workers runtime's types.
declare module 'node:crypto' {
  interface Hash {
    update(data: string | Uint8Array): Hash;
    digest(): Uint8Array<ArrayBuffer>;
    digest(encoding: 'base64'): string;
  }
  export function createHash(algorithm: string): Hash;
}

declare module 'node:async_hooks' {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, callback: () => R): R;
    getStore(): T | undefined;
  }
}
