// Which paths are ours: every one that an origin could read as `/.weir`, so that none of them ever reaches it.
import { pathOf, readings, undoEscapes } from '../routing/readings.ts';

/** Ordinary URLs are told by one look: they have no escapes and not that word. */
export const isOurs = (url: string): boolean => {
  if (!/weir|%/i.test(url)) return false;
  const path = pathOf(url);
  const ways = readings(path);
  // A long path that can be read in many ways is ours if it so much as mentions the prefix.
  if (ways === undefined) return /\.weir/i.test(undoEscapes(path));
  return [...ways].some((way) => /^\/\.weir(\/|$)/i.test(way));
};
