// A grant: permits that a Limiter gave an isolate at once, for requests that waited or for those to come. Plain data.
import type { Use } from './share.ts';

/** Permits of one grant. */
export interface Grant {
  /** As the Limiter calls it; empty where nothing may be given back. */
  readonly name: string;
  /** Requests granted. */
  readonly size: number;
  /** Any request may use it until it expires; else it is for requests that waited when it was asked for. */
  readonly leased: boolean;
  /** It is only of the policies that are not lent by rate: to be used together with the share. */
  readonly within?: boolean;
  /** Set on what one request took of a share, and of the policies beside it. */
  readonly taken?: { readonly use: Use; readonly beside: Grant | undefined };
  /** By the isolate's clock, from when it asked. */
  readonly expires: number;
  unused: number;
  /** Requests that were given back. */
  returned: number;
  /** A share counts them as its uses: nothing comes back. */
  adopted: boolean;
  /** Requests that have been decided for good. */
  decided: number;
  /** Returns sent, and requests that the next one is to give back. */
  returns: number;
  returning: number;
}

/** A grant of which nothing is used. */
export const newGrant = (
  grant: Pick<Grant, 'name' | 'size' | 'leased' | 'within' | 'taken' | 'expires'>,
): Grant => ({
  ...grant,
  unused: grant.size,
  returned: 0,
  adopted: false,
  decided: 0,
  returns: 0,
  returning: 0,
});

/** Whether it has a permit that may be used now. */
export const isUsable = (grant: Grant, now: number): boolean => grant.unused > 0 && now < grant.expires;

/** Takes one permit of a grant that has one. */
export const draw = (grant: Grant): Grant => {
  grant.unused--;
  return grant;
};
