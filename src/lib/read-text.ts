// A body as text, read no further than a bound.

/** Undefined for more than `maxBytes`: a hostile 10 MB are never held in memory. Returning early cancels the stream. */
export const readText = async (
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<string | undefined> => {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};
