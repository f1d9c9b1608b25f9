// Over which URLs secrets and keys may travel.

/** Keys travel over https alone, except from this very machine, where there is nobody in between. */
export const isTrustworthy = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname));
