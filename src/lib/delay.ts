// A promise that resolves after a time; on Workers, a request must await one of its own.

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
