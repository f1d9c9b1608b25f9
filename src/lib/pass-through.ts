// A stream that passes bytes on by the runtime itself.

/**
 * @param length bytes that will pass, where that is known: whoever sends the readable end then has a `Content-Length`, else
 *   it goes in chunks.
 */
export const passThrough = (length: number | undefined): TransformStream<Uint8Array, Uint8Array> =>
  length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
