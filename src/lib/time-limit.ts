// A limit to how long something is waited for.

/** What `work` comes to. @throws {Error} where that takes longer than `ms` milliseconds. */
export const withTimeLimit = async <T>(work: Promise<T>, ms: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`expected an answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
};
