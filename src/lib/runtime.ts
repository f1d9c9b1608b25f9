// The settings of the Workers runtime that Weir needs, checked where it is mounted.

/**
 * Flags that come with the compatibility date 2024-10-14. The first is the one needed: without it a request cannot wake
 * another that waits for the same permits. Test runners turn it off on purpose, so the date is too old only where the other
 * is off as well.
 */
const DATED = ['handle_cross_request_promise_resolution', 'upper_case_all_http_methods'];

/** Without these, Weir does not notice that a client has left. */
const NEEDED = ['enable_request_signal', 'request_signal_passthrough'];

/**
 * Checks the Worker's compatibility settings.
 *
 * @throws {Error} that names what its configuration lacks.
 */
export const checkRuntime = (): void => {
  const isOff = (flag: string) => Cloudflare.compatibilityFlags[flag] === false;
  const lacking = NEEDED.filter(isOff).map((flag) => `\`${flag}\` in \`compatibility_flags\``);
  if (DATED.every(isOff)) lacking.unshift('a `compatibility_date` of 2024-10-14 or later');
  if (lacking.length > 0) throw new Error(`Weir needs ${lacking.join(' and ')}`);
};
