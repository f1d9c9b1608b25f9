// A promise of this request's own that is kept after some time.

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
