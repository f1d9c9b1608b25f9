// A limit to how long something may take.

/** The result of `work`. @throws {Error} `late`, where it takes longer than `ms` milliseconds. */
export const withTimeLimit = async <T>(
  work: Promise<T>,
  ms: number,
  late = () => new Error(`expected an answer within ${ms} ms`),
): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
};
