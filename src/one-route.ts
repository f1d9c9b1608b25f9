// The router of an app that has one handler, for every request: nothing to search for.
import type { Result, Router } from 'hono/router';

export class OneRoute<Handler> implements Router<Handler> {
  readonly name = 'OneRoute';
  #found: Result<Handler> = [[]];

  add(_method: string, _path: string, handler: Handler): void {
    this.#found = [[[handler, {}]]];
  }

  match(): Result<Handler> {
    return this.#found;
  }
}
