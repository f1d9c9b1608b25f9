// Who is calling, once the token is verified.

/** A verified caller. Plain data, so that the token cache may keep it across requests. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly tier: string | undefined;
  /** What the first of `SCOPE_CLAIM` that the token has grants: words of a text, or members of an array. */
  readonly scopes: ReadonlySet<string>;
  /** Headers that `CLAIM_HEADERS` makes of the claims, ready to send. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Seconds since the epoch, as in the token. */
  readonly exp: number;
  readonly iat: number | undefined;
  readonly jti: string | undefined;
  /** Values of the claims that limits count by, where the token has them; undefined if no limit counts by a claim. */
  readonly keyValues?: ReadonlyMap<string, string> | undefined;
  /** Names the subject's partition; made by `partition.ts` from issuer and subject. */
  readonly partition: string;
}
