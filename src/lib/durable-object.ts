// Durable Objects as they are called.

/** Methods of an object as a caller sees them. The runtime's own type of a stub mistakes arrays for tuples. */
export type Stub<T, Method extends keyof T> = {
  readonly [M in Method]: T[M] extends (...given: infer Given) => infer Result
    ? (...given: Given) => Promise<Awaited<Result>>
    : never;
};

/** The object of a name. */
export const stubOf = <T extends Rpc.DurableObjectBranded, Method extends keyof T>(
  namespace: DurableObjectNamespace<T>,
  name: string,
): Stub<T, Method> => namespace.get(namespace.idFromName(name)) as unknown as Stub<T, Method>;

/** The namespace restricted to a jurisdiction; undefined: unrestricted. */
export const inJurisdiction = <T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: DurableObjectJurisdiction | undefined,
): DurableObjectNamespace<T> =>
  jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction);
