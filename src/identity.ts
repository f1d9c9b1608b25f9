// Who is calling, once the token is verified.

/** A verified caller. Plain data, so that the token cache may keep it across requests. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly tier: string | undefined;
  /** `scope` (space-separated) or `scp` (string or array) of the token. */
  readonly scopes: ReadonlySet<string>;
  /** Headers that `CLAIM_HEADERS` makes of the claims, ready to send. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Seconds since the epoch, as in the token. */
  readonly exp: number;
  readonly iat: number | undefined;
  readonly jti: string | undefined;
  /** Values of the claims that limits count by, as far as the token has them; undefined where limits count by none. */
  readonly keyValues?: ReadonlyMap<string, string> | undefined;
  /** Names the subject's partition; made by `partition.ts` from issuer and subject. */
  readonly partition: string;
}
