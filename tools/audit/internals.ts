// What a refusal must not say: the program's insides, or which of the reasons it was. Pure.

/** Lines of stack traces, paths and addresses in source files, errors of databases. */
const TRACES = [
  /^\s*at .+[:(]\d+/m,
  /Traceback \(most recent call last\)|\bFile "[^"]+", line \d+/,
  /\.(?:js|ts|mjs|cjs|py|rb|go|java|php|cs):\d+/,
  /node_modules\/|\/(?:usr|home|app|var|opt|srv|root)\/\w/,
  /panic:|goroutine \d+/,
  /\bSQLITE_[A-Z]+|\bSQLSTATE\b|\bORA-\d{5}\b|syntax error at or near/,
];

const EXCEPTION = /\b(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception)\b/g;
/** Names that an API may have for its own refusals; they tell nothing of libraries. */
const OWN_NAMES =
  /^(?:Api|API|Http|HTTP|Client|Request|BadRequest|Auth|Authentication|Authorization|Unauthorized|NotAuthorized|Unauthenticated|AccessDenied|Forbidden|InvalidToken|InvalidCredentials|InvalidRequest)(?:Error|Exception)$/;

/** Whether the text shows where, or in which library, it was made. */
export const showsInsides = (text: string): boolean =>
  TRACES.some((trace) => trace.test(text)) ||
  [...text.matchAll(EXCEPTION)].some(([name]) => !OWN_NAMES.test(name));

/** Words that tell one reason for refusal from another; also as a part of a code such as `ERR_JWT_EXPIRED`. */
const REASONS =
  /(?<![a-z0-9])(?:expired?|signature|algorithm|alg|audience|aud|issuer|iss|nbf|kid|jwks?|malformed|not[ _-]?(?:yet|active)|claim|decode|revoked)(?![a-z0-9])/gi;

/** The words of a refusal that may tell its reason, in their order. */
export const reasonsIn = (text: string): string => (text.match(REASONS) ?? []).join(' ').toLowerCase();
