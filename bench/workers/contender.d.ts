// What `counted.ts` wraps: any contender with an object.
declare module 'contender' {
  import { DurableObject } from 'cloudflare:workers';
  export class Limiter extends DurableObject {}
  const worker: {
    fetch(request: Request, env: unknown, ctx: ExecutionContext): Response | Promise<Response>;
  };
  export default worker;
}
