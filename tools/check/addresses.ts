// Addresses that Cloudflare's edge cannot reach, and what guides and templates leave to be filled in.

/** Addresses that are private, and names that only a machine or a network at home knows. */
const UNREACHABLE =
  /^(localhost|127\.[\d.]+|0\.0\.0\.0|10\.[\d.]+|192\.168\.[\d.]+|172\.(1[6-9]|2\d|3[01])\.[\d.]+|169\.254\.[\d.]+|\[(::1|f[cde][\da-f]{2}:.*)\]|[^.:]+|.*\.(local|localhost|internal|lan|home|test|svc))$/;

export const isUnreachable = ({ hostname }: URL): boolean => UNREACHABLE.test(hostname);

/** Of this machine itself, where only tests and trials have an issuer. */
export const isLoopback = ({ hostname }: URL): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);

const BLANK =
  /(?<![a-z])your[-_](api|app|audience|auth0|client|domain|host|id|identifier|issuer|name|org|origin|project|realm|server|tenant|zone)(?![a-z])|<[^<>]*>|\bx{4,}\b|(?<![a-z])(change|replace)[-_]?me(?![a-z])|(?<![a-z])todo(?![a-z])/i;

/** What is still to be filled in; undefined where nothing is. */
export const blankIn = (text: string): string | undefined => BLANK.exec(text)?.[0];
