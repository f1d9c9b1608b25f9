// The vocabulary of the audit: a check's question, its verdict, and the report they add up to. Plain data.

export type Severity = 'high' | 'medium' | 'low';
export type Family = 'tokens' | 'leaks' | 'limits' | 'manners';
export type Outcome = 'passed' | 'failed' | 'skipped';

/** What a check cannot do without; what is missing is named in the report. */
export type Need =
  | 'jwt'
  | 'protected'
  | 'second-token'
  | 'other-token'
  | 'public-key'
  | 'signing-key'
  | 'loopback'
  | 'limit'
  | 'one-counter';

/** What a check asks, with all that a reader needs to understand its answer. */
export interface Question {
  /** `family.name`; stable, since baselines and SARIF rules refer to it. */
  readonly id: string;
  readonly severity: Severity;
  /** A sentence that is true of a sound API. */
  readonly title: string;
  /** OWASP API Security Top 10, 2023. */
  readonly owasp: string;
  /** The standard that asks for it, with section. */
  readonly rfc: string;
  readonly why: string;
  readonly fix: string;
  readonly needs: readonly Need[];
  /** Requests it usually sends; it is skipped where the budget no longer has as many. */
  readonly requests: number;
}

/** Something that was counted or measured, and the least of it that shows anything. */
export interface Evidence {
  readonly what: string;
  readonly count: number;
  readonly least: number;
}

/** What one run of a check found. Never holds a token. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly sent: string;
  readonly seen: string;
  /** In place of the check's own, where the fault is a slight one of its kind. */
  readonly severity?: Severity;
  /** What the outcome rests on. The engine takes no `passed` without it. */
  readonly evidence: readonly Evidence[];
}

export interface Result
  extends Omit<Verdict, 'severity'>,
    Pick<Question, 'id' | 'severity' | 'title' | 'owasp' | 'rfc' | 'why' | 'fix'> {}

export type Letter = 'A' | 'B' | 'C' | 'D' | 'E' | 'F';

export interface Grade {
  /** Undefined where the audit was stopped before its end, or too little was measured to praise. */
  readonly letter: Letter | undefined;
  readonly score: number;
  /** The sum, written out. */
  readonly arithmetic: string;
}

export interface Report {
  readonly tool: 'weir-audit';
  readonly version: 1;
  readonly url: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly seconds: number;
  readonly requests: number;
  readonly grade: Grade;
  readonly results: readonly Result[];
  /** Why the audit ended early, if it did. */
  readonly stopped: string | undefined;
}

/** @param least what `count` must reach to show anything. */
export const measured = (what: string, count: number, least = 1): Evidence => ({ what, count, least });

export const passed = (sent: string, seen: string, ...evidence: [Evidence, ...Evidence[]]): Verdict => ({
  outcome: 'passed',
  sent,
  seen,
  evidence,
});

export const failed = (sent: string, seen: string, ...evidence: Evidence[]): Verdict => ({
  outcome: 'failed',
  sent,
  seen,
  evidence,
});

/** A failure that matters less than others of its check. */
export const slightly = (verdict: Verdict): Verdict => ({ ...verdict, severity: 'low' });

export const skipped = (reason: string): Verdict => ({
  outcome: 'skipped',
  sent: 'nothing',
  seen: reason,
  evidence: [],
});
