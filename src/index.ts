// What the package exports: Weir as Hono middleware, to mount in any Worker.
export { admin } from './admin/admin.ts';
export type { Bindings } from './bindings.ts';
export type { VarOptions, WeirOptions } from './config/options.ts';
export { Directory } from './directory/directory.ts';
export type { Identity } from './identity.ts';
export { Limiter } from './limiter/limiter.ts';
export { type LimitOptions, limit } from './middleware/limit-only.ts';
export { proxy } from './middleware/proxy.ts';
export type { WeirVariables } from './middleware/step.ts';
export { weir } from './middleware/weir.ts';
export { Pulse } from './pulse/pulse.ts';
