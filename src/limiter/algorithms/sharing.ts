// Which algorithms are lent by rate, and how.
import type { Policy } from '../policy.ts';
import type { Sharing } from '../sharing.ts';
import type { Algorithm } from './index.ts';
import { slidingShare } from './sliding-share.ts';

/** Only the algorithm that made a state, a charge or uses reads them. */
type AnySharing = Sharing<unknown, unknown, unknown>;

const sharings: Record<Algorithm, AnySharing | undefined> = {
  'sliding-window': slidingShare as AnySharing,
  'fixed-window': undefined,
  // Its TAT is one moment for all: a charge cannot be moved under later grants.
  gcra: undefined,
};

/** How permits of this policy are lent by rate; undefined where its algorithm does not allow it. */
export const sharingOf = ({ algorithm }: Policy): AnySharing | undefined => sharings[algorithm];
