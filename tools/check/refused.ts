// A value that the Worker's parser refuses, and where it stands.
import type { Table } from './config-file.ts';

export interface Refused {
  /** As the parser names it: `LIMITS`, `ROUTES[2].cost`. */
  readonly variable: string;
  readonly problem: string;
  readonly vars: Table;
}

/** What stands at `ROUTES[2].cost`, in a table or in its JSON; undefined where nothing does. */
export const valueAt = (vars: Table, variable: string): unknown => {
  const [name = '', ...steps] = variable.split(/[.[\]]+/).filter((step) => step !== '');
  return steps.reduce<unknown>(
    (value, step) => member(value, step),
    steps.length > 0 ? continued(vars, name) : vars[name],
  );
};

/** With what goes on in `ROUTES_1`, `ROUTES_2` and so on, as the parser counts its entries. */
const continued = (vars: Table, name: string): unknown => {
  const first = parsed(vars[name]);
  if (!Array.isArray(first)) return first;
  const rest = Array.from({ length: 9 }, (_, i) => parsed(vars[`${name}_${i + 1}`]));
  return [...first, ...rest.filter(Array.isArray).flat()];
};

/** A table or array that may be written as JSON; undefined where it is no JSON. */
export const parsed = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
};

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;

/** The sentence that says to write this value instead. */
export const write = (variable: string, value: string | number): string =>
  `Write \`${variable.replace(/^.*\./, '')} = ${typeof value === 'number' ? value : JSON.stringify(value)}\`.`;
