// The Durable Object that holds a partition's policies.
import { DurableObject } from 'cloudflare:workers';

export class Limiter extends DurableObject {}
