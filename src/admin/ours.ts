// Which paths are ours: every one that an origin could read as `/.weir`, so that none of them ever reaches it.
import { foldedForm } from '../routing/forms.ts';
import { Graph } from '../routing/graph.ts';
import { unmarked } from '../routing/marks.ts';
import { budgetOf, read } from '../routing/readings.ts';
import { sentPath } from '../routing/sent-path.ts';

const graph = new Graph(['/.weir', '/.weir/*'], foldedForm);

/** Ordinary URLs are told by one look: they have no escapes and not that word. */
export const isOurs = (url: string): boolean => {
  if (!/weir|[^!-~]|%/i.test(url)) return false;
  const sent = sentPath(url);
  const path = foldedForm(sent);
  // What stands in between may be dropped.
  if (!unmarked(path).includes('.weir')) return false;
  let ours = false;
  const note = ({ entries }: { entries: readonly unknown[] }): void => {
    ours ||= entries.length > 0;
  };
  // A path with more readings than are followed is ours since it mentions the prefix.
  const visitor = { end: note, alias: note, handedOn: note };
  return read(graph, path, visitor, budgetOf(sent, path) * SHARE) < 0 || ours;
};

/** Of what a path may take that is spent here: the rest is for its route. */
const SHARE = 0.25;
