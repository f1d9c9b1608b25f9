// The commands that inspect a running Weir and change it, by its admin API.
import { asJson, command, flag, say, seconds, secretOf, text, UsageError } from '../cli.ts';
import { call, health, type State, targetOf } from './client.ts';
import { configText, knownText, type Listed, listText, stateText } from './show.ts';

const REMOTE = {
  url: text('<url>', 'of Weir; default: WEIR_URL'),
  json: flag('for scripts'),
};

const SUBJECT = {
  address: text('<ip>', 'instead of a subject: an address’s callers without a token'),
  issuer: text('<issuer>', 'of the subject, where several are configured'),
  ...REMOTE,
};

const KEYED = {
  key: text(
    '<key>=<value>',
    'instead of a subject: what limits count by, such as org.id=acme, :team=red or everyone',
  ),
  ...SUBJECT,
};

const TIMES = {
  until: text('<time>', 'when it ends, such as 2027-01-31T12:00:00Z'),
  for: seconds('how long it lasts, in place of --until: 90s, 15m, 1h, 7d'),
};

const NOTES = `The admin token is read from WEIR_ADMIN_TOKEN.
Exit code: 0, 1 where Weir refuses or cannot be reached, 2 for wrong use.`;

/** More arguments are accepted than are used, so that the command itself says what is wrong with too many. */
const MANY = 9;

interface Named {
  readonly key?: string | undefined;
  readonly address: string | undefined;
  readonly issuer: string | undefined;
}

/** `subjects?issuer=…&subject=…`, `addresses?address=…` or `keys?key=…&value=…`. */
const pathOf = ({ issuer, address, key }: Named, subjects: readonly string[], action = ''): string => {
  const [subject] = subjects;
  if (key !== undefined && subject === undefined && address === undefined)
    return keyPath(key, issuer, action);
  if (key !== undefined) throw new UsageError('expected exactly one of a subject, --address or --key');
  if (subjects.length > 1) throw new UsageError(`expected one of ${subjects.join(', ')}, and no more`);
  if ((subject === undefined) === (address === undefined))
    throw new UsageError('expected exactly one of a subject or --address');
  const query = new URLSearchParams({
    ...(subject === undefined ? { address: address ?? '' } : { subject }),
    ...(issuer === undefined ? {} : { issuer }),
  });
  return `${subject === undefined ? 'addresses' : 'subjects'}${action}?${query}`;
};

/** Of `org.id=acme`; `everyone` has no value. */
const keyPath = (spec: string, issuer: string | undefined, action: string): string => {
  const [, key = spec, value] = /^([^=]+)=(.*)$/s.exec(spec) ?? [];
  const query = new URLSearchParams({
    key,
    ...(value === undefined ? {} : { value }),
    ...(issuer === undefined ? {} : { issuer }),
  });
  return `keys${action}?${query}`;
};

/** `--until`, or `--for` from now on. */
const untilOf = (until: string | undefined, time: number | undefined): string | undefined =>
  time === undefined || until !== undefined ? until : new Date(Date.now() + time * 1_000).toISOString();

const show = (state: State, json: boolean): number => say(json ? asJson(state) : stateText(state));

/** Exit code 1 where Weir is misconfigured. */
export const status = (): Promise<void> =>
  command({
    name: 'status',
    about: 'Says whether Weir works; with the admin token also the configuration in force, secrets masked.',
    options: REMOTE,
    notes: NOTES,
    async run({ url, json }) {
      const target = targetOf(url);
      const { status } = await health(target);
      const isKnown = status === 'ok' && target.token !== undefined;
      const config = isKnown ? await call<Record<string, unknown>>(target, 'GET', 'config') : undefined;
      const shown = config === undefined ? '' : `\n${configText(config)}`;
      return say(
        json ? asJson({ status, config }) : `${target.url}: ${status}\n${shown}`,
        status === 'ok' ? 0 : 1,
      );
    },
  });

export const who = (): Promise<void> =>
  command({
    name: 'who',
    usage: '<partition> [options]',
    about: 'Says who is behind a partition in the log. Needs the binding DIRECTORY.',
    options: REMOTE,
    notes: NOTES,
    positionals: MANY,
    async run({ url, json }, [partition, ...more]) {
      if (partition === undefined || more.length > 0)
        throw new UsageError('expected one partition, the 32 hex digits that a log line has for it');
      const query = new URLSearchParams({ partition });
      const known = await call<Record<string, string>>(targetOf(url), 'GET', `who?${query}`);
      return say(json ? asJson(known) : knownText(known));
    },
  });

export const list = (): Promise<void> =>
  command({
    name: 'list',
    about: 'Lists the overrides and revocations in force. Needs the binding DIRECTORY.',
    options: REMOTE,
    notes: NOTES,
    async run({ url, json }) {
      const { listed } = await call<{ listed: readonly Listed[] }>(targetOf(url), 'GET', 'list');
      return say(json ? asJson({ listed }) : listText(listed));
    },
  });

export const subject = (): Promise<void> =>
  command({
    name: 'subject',
    usage: '<subject> [options]',
    about: 'Shows what is left of each policy, and what was set.',
    options: KEYED,
    notes: NOTES,
    positionals: MANY,
    run: async ({ url, json, ...named }, subjects) =>
      show(await call(targetOf(url), 'GET', pathOf(named, subjects)), json),
  });

export const look = (): Promise<void> =>
  command({
    name: 'look',
    usage: '<key>=<value> [options]',
    about: 'Shows what is left of the limits that count by a key: org.id=acme, :team=red, everyone.',
    options: { issuer: SUBJECT.issuer, ...REMOTE },
    notes: NOTES,
    positionals: MANY,
    run: async ({ url, json, issuer }, [key, ...more]) => {
      if (key === undefined || more.length > 0) throw new UsageError('expected one key, such as org.id=acme');
      return show(await call(targetOf(url), 'GET', keyPath(key, issuer, '')), json);
    },
  });

export const reset = (): Promise<void> =>
  command({
    name: 'reset',
    usage: '<subject> [options]',
    about: 'Forgets what was spent.',
    options: KEYED,
    notes: NOTES,
    positionals: MANY,
    run: async ({ url, json, ...named }, subjects) =>
      show(await call(targetOf(url), 'POST', pathOf(named, subjects, '/reset')), json),
  });

export const override = (): Promise<void> =>
  command({
    name: 'override',
    usage: '<subject> --limits <limits> --for <time> --reason <text> | <subject> --lift',
    about: 'Sets other limits for a while, or lifts them.',
    options: {
      limits: text('<limits>', '10/minute, none (exempt) or blocked'),
      ...TIMES,
      reason: text('<text>', 'why; the admin API shows it, the log does not'),
      lift: flag('lifts them'),
      ...KEYED,
    },
    notes: NOTES,
    positionals: MANY,
    async run({ url, json, limits, reason, lift, until, for: time, ...named }, subjects) {
      const [target, path] = [targetOf(url), pathOf(named, subjects, '/override')];
      const body = { limits, until: untilOf(until, time), reason };
      return show(await (lift ? call(target, 'DELETE', path) : call(target, 'PUT', path, body)), json);
    },
  });

export const revoke = (): Promise<void> =>
  command({
    name: 'revoke',
    usage: '<subject> (--jti <id> | --before <time> | --lift) | --token <jwt>',
    about: 'Refuses one token, or every token of a subject that was issued before a time; or lifts that.',
    options: {
      jti: text('<id>', 'the token with this id'),
      before: text('<time>', 'every token issued before then, or now'),
      token: text('<jwt>', 'this token, - to read it from standard input; it names its own subject'),
      ...TIMES,
      lift: flag('lifts every revocation of the subject'),
      ...SUBJECT,
    },
    notes: NOTES,
    positionals: MANY,
    async run({ url, json, jti, before, token: given, lift, until, for: time, ...named }, subjects) {
      const target = targetOf(url);
      const token = await secretOf(given);
      const isAlone = token !== undefined && subjects.length === 0;
      const path = isAlone ? 'subjects/revoke' : pathOf(named, subjects, '/revoke');
      const body = { jti, before, token, until: untilOf(until, time) };
      return show(await (lift ? call(target, 'DELETE', path) : call(target, 'POST', path, body)), json);
    },
  });
