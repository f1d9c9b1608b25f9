// What `npm run check` would warn of that the configuration alone shows, by the same code.
import type { Config, Route } from '../src/config/types.ts';
import type { Finding } from '../tools/check/finding.ts';
import { routeFindings } from '../tools/check/routes.ts';

type ShownRoute = Omit<Route, 'methods' | 'match' | 'limits'> & {
  readonly methods: readonly string[] | null;
  readonly match: string | null;
};

/** The configuration as the admin API shows it: sets as arrays, policies by name, what is unset as null. */
export interface ShownConfig {
  readonly routes: readonly ShownRoute[];
}

export const findingsOf = ({ routes }: ShownConfig): readonly Finding[] =>
  routeFindings({ routes: routes.map(routeOf) } as unknown as Config);

const routeOf = ({ methods, match, ...rest }: ShownRoute) => ({
  ...rest,
  methods: methods === null ? undefined : new Set(methods),
  match: match ?? undefined,
});
